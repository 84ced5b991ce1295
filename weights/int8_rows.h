/* int8_rows.h - a float matrix as int8 rows with one f32 scale each: x[r, c] is about scale[r] * q[r, c].
 *
 *     lt_int8_rows rows;
 *     LT_TRY(lt_int8_rows_open(&rows, &matrix, err));                      // [out, in]
 *     lt_writer_add_source(w, "x.weight", LT_I8, shape, lt_int8_rows_values, &rows);
 *     lt_writer_add_source(w, "x.weight_scale", LT_F32, lt_shape1(out), lt_int8_rows_scales, &rows);
 *
 * scale = largest |x| of the row / 127, at least 1e-12; q = x / scale rounded to nearest even.
 */
#ifndef LT_INT8_ROWS_H
#define LT_INT8_ROWS_H

#include "kernels/core/status.h"
#include "kernels/core/tensor.h"

typedef struct {
    lt_tensor matrix; /* borrowed; any strides, any byte */
    void *packed;     /* one row as stored */
    float *row;       /* row `at` */
    float scale;
    int64_t at; /* -1: none yet */
} lt_int8_rows;

lt_status lt_int8_rows_open(lt_int8_rows *r, const lt_tensor *matrix, lt_error *err);
void lt_int8_rows_close(lt_int8_rows *r); /* accepts a zeroed one */
/* Sources for lt_writer_add_source; `user` is the lt_int8_rows. A value that is not finite is LT_ERR_INPUT. */
lt_status lt_int8_rows_values(void *user, int64_t first, int64_t count, void *out, lt_error *err);
lt_status lt_int8_rows_scales(void *user, int64_t first, int64_t count, void *out, lt_error *err);

#endif
