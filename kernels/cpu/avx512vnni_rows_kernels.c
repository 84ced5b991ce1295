/* avx512vnni_rows_kernels.c - a few rows against a matrix with AVX512-VNNI, from which blocks of q8
 * and q4 gain. */
#if defined(__x86_64__)
#define LT_LANES 16
#include "kernels/cpu/few_rows.h"

const lt_few_rows lt_avx512vnni_rows = LT_FEW_ROWS;
#endif
