/* int8_rows.c - quantising row by row. */
#include "weights/int8_rows.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "weights/finite.h"
#include "weights/pack.h"

static const float smallest_scale = 1e-12f; /* a row of zeros */

lt_status lt_int8_rows_open(lt_int8_rows *r, const lt_tensor *matrix, lt_error *err)
{
    assert(matrix->rank == 2);
    const size_t columns = (size_t)matrix->dim[1];
    *r = (lt_int8_rows){.matrix = *matrix, .at = -1};
    r->packed = malloc(columns * lt_dtype_bytes(matrix->dtype) + 1);
    r->row = malloc(columns * sizeof *r->row + 1);
    if (r->packed && r->row)
        return LT_OK;
    lt_int8_rows_close(r);
    return lt_fail(err, LT_ERR_RESOURCES, "no memory for a row of %zu values", columns);
}

void lt_int8_rows_close(lt_int8_rows *r)
{
    free(r->packed);
    free(r->row);
    *r = (lt_int8_rows){0};
}

/* Makes row `at` the current one. */
static lt_status load_row(lt_int8_rows *r, int64_t at, lt_error *err)
{
    if (r->at == at)
        return LT_OK;
    const int64_t columns = r->matrix.dim[1];
    lt_pack(&r->matrix, at * columns, columns, r->packed);
    const int64_t bad = lt_first_not_finite(r->packed, r->matrix.dtype, columns);
    if (bad >= 0)
        return lt_fail(err, LT_ERR_INPUT, "value %lld is not finite", (long long)(at * columns + bad));
    float largest = 0;
    for (int64_t c = 0; c < columns; c++) {
        r->row[c] = (float)lt_load_element(r->packed, r->matrix.dtype, c);
        largest = fmaxf(largest, fabsf(r->row[c]));
    }
    if (!isfinite(largest)) /* a double beyond f32 */
        return lt_fail(err, LT_ERR_INPUT, "a value of row %lld is too large for f32", (long long)at);
    r->scale = fmaxf(largest / 127, smallest_scale);
    r->at = at;
    return LT_OK;
}

lt_status lt_int8_rows_values(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    lt_int8_rows *const r = user;
    int8_t *to = out;
    const int64_t columns = r->matrix.dim[1];
    for (int64_t done = 0; done < count;) {
        const int64_t column = (first + done) % columns;
        const int64_t run = columns - column < count - done ? columns - column : count - done;
        LT_TRY(load_row(r, (first + done) / columns, err));
        for (int64_t i = 0; i < run; i++)
            *to++ = (int8_t)rintf(r->row[column + i] / r->scale); /* within 127 by the choice of the scale */
        done += run;
    }
    return LT_OK;
}

lt_status lt_int8_rows_scales(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    lt_int8_rows *const r = user;
    for (int64_t i = 0; i < count; i++) {
        LT_TRY(load_row(r, first + i, err));
        ((float *)out)[i] = r->scale;
    }
    return LT_OK;
}
