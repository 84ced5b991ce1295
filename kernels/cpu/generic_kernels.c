/* generic_kernels.c - the kernels for any processor: 4 lanes, no intrinsics. */
#define LT_LANES 4
#include "kernels/cpu/kernel_table.h"

const lt_cpu_kernels lt_generic_kernels = {LT_KERNEL_ENTRIES};
