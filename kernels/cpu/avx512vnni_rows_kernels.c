/* avx512vnni_rows_kernels.c - the kernels for processors with AVX512-VNNI: those of
 * avx512_kernels.c, but for a few rows against q8 and q4. */
#if defined(__x86_64__)
#define LT_LANES 16
#include "kernels/cpu/kernel_table.h"

const lt_cpu_kernels lt_avx512vnni_kernels = {LT_KERNEL_ENTRIES};
#endif
