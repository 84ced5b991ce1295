/* avx512_kernels.c - the kernels for AVX-512 (F, BW, DQ, VL): 16 lanes. */
#if defined(__x86_64__)
#define LT_LANES 16
#include "kernels/cpu/kernel_table.h"

const lt_cpu_kernels lt_avx512_kernels = {LT_KERNEL_ENTRIES};
#endif
