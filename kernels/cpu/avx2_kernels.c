/* avx2_kernels.c - the kernels for AVX2, FMA and F16C: 8 lanes. */
#if defined(__x86_64__)
#define LT_LANES 8
#include "kernels/cpu/kernel_table.h"

const lt_cpu_kernels lt_avx2_kernels = {LT_KERNEL_ENTRIES};
#endif
