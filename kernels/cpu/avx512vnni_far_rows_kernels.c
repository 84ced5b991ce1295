/* avx512vnni_far_rows_kernels.c - avx512vnni_rows_kernels.c for processors that want memory asked
 * for far ahead. */
#if defined(__x86_64__)
#define LT_LANES     16
#define LT_FAR_FETCH 1
#include "kernels/cpu/few_rows.h"

const lt_few_rows lt_avx512vnni_far_rows = LT_FEW_ROWS;
#endif
