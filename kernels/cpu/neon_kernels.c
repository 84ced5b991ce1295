/* neon_kernels.c - the kernels for 64-bit Arm, every one of which has NEON: 4 lanes. Elsewhere the
 * file is empty. */
#include "kernels/cpu/cpu_kernels.h"

#if defined(__aarch64__)
#define LT_LANES 4
#define LT_NEON
#include "kernels/cpu/kernel_table.h"

const lt_cpu_kernels lt_neon_kernels = {LT_KERNEL_ENTRIES};
#endif
