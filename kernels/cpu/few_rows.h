/* few_rows.h - products of a few rows with a matrix that is streamed from memory, as entries of a
 * table. */
#ifndef LT_FEW_ROWS_H
#define LT_FEW_ROWS_H

#include "kernels/cpu/float_rows.h"
#include "kernels/cpu/rounded_rows.h"

#if ROUNDS_Q8
#define LT_Q8_ROWS .round_row_q8 = round_row_q8, .matrix_rounded_q8 = matrix_rounded_q8
#else
#include "kernels/cpu/low_bit_rows.h"
#define LT_Q8_ROWS .matrix_vector_q8 = matrix_vector_q8
#endif

/* clang-format off */
#define LT_FEW_ROWS                                                                                \
    {.matrix_vector = matrix_vector, .round_row = round_row, .matrix_rounded = matrix_rounded,     \
     LT_Q8_ROWS}
/* clang-format on */

#endif
