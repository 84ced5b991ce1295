/* low_bit.h - a float matrix as blocks of 32 small integers with one f16 scale each (README.md says
 * how they lie in a file).
 *
 *     lt_low_bit blocks;
 *     LT_TRY(lt_low_bit_open(&blocks, &matrix, LT_Q4, err));      // [out, in], in a multiple of 32
 *     lt_writer_add_source(w, "x.weight", blocks.code_dtype, blocks.code_shape,
 *                          lt_low_bit_codes, &blocks);
 *     lt_writer_add_source(w, "x.weight_scale", LT_F16, blocks.scale_shape,
 *                          lt_low_bit_scales, &blocks);
 *
 * Of a handful of scales around (largest value) / (largest integer), each moved to its
 * least-squares optimum and rounded to f16, the one is taken whose integers leave the smallest
 * squared error. Scales are kept, two bytes for 32 values, once they were found: whatever is asked
 * for after them, in a file the integers, is a rounding.
 */
#ifndef LT_LOW_BIT_H
#define LT_LOW_BIT_H

#include "kernels/core/status.h"
#include "kernels/core/weight.h"

typedef struct {
    lt_dtype code_dtype;  /* i8, or u8 where two integers share a byte */
    lt_shape code_shape;  /* [out, in] or [out, in / 2] */
    lt_shape scale_shape; /* [out, in / LT_BLOCK] */
    lt_tensor matrix;     /* borrowed; any strides, any byte */
    lt_dtype kind;        /* LT_Q8 or LT_Q4 */
    void *packed;         /* one row as stored */
    float *row;           /* row `at` ... */
    uint8_t *codes;       /* ... and what became of it */
    uint16_t *scales;
    int64_t at;     /* -1: none yet */
    uint16_t *kept; /* scales of rows 0 .. kept_rows - 1; NULL: none yet, or no memory for them */
    int64_t kept_rows;
} lt_low_bit;

lt_status lt_low_bit_open(lt_low_bit *b, const lt_tensor *matrix, lt_dtype kind, lt_error *err);
void lt_low_bit_close(lt_low_bit *b); /* accepts a zeroed one */
/* Sources for lt_writer_add_source; `user` is the lt_low_bit. A value that
 * is not finite is LT_ERR_INPUT. */
lt_status lt_low_bit_codes(void *user, int64_t first, int64_t count, void *out, lt_error *err);
lt_status lt_low_bit_scales(void *user, int64_t first, int64_t count, void *out, lt_error *err);

/* What two stored tensors, integers and scales, are as a matrix of rows [out, in]: LT_I8 rows,
 * LT_Q8, LT_Q4, or LT_NO_DTYPE when they do not belong together. */
lt_dtype lt_low_bit_form(const lt_tensor *codes, const lt_tensor *scale, lt_shape matrix);

#endif
