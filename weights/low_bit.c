/* low_bit.c - quantising block by block; see low_bit.h. */
#include "weights/low_bit.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weights/finite.h"
#include "weights/pack.h"

lt_status lt_low_bit_open(lt_low_bit *b, const lt_tensor *matrix, lt_dtype kind, lt_error *err)
{
    assert(matrix->rank == 2 && matrix->dim[1] % LT_BLOCK == 0 && (kind == LT_Q8 || kind == LT_Q4));
    const int64_t out = matrix->dim[0];
    const int64_t in = matrix->dim[1];
    *b = (lt_low_bit){.code_dtype = kind == LT_Q4 ? LT_U8 : LT_I8,
                      .code_shape = lt_shape2(out, kind == LT_Q4 ? in / 2 : in),
                      .scale_shape = lt_shape2(out, in / LT_BLOCK),
                      .matrix = *matrix,
                      .kind = kind,
                      .at = -1};
    b->packed = malloc((size_t)in * lt_dtype_bytes(matrix->dtype));
    b->row = malloc((size_t)in * sizeof *b->row);
    b->codes = malloc((size_t)in);
    b->scales = malloc((size_t)(in / LT_BLOCK) * sizeof *b->scales);
    if (b->packed && b->row && b->codes && b->scales)
        return LT_OK;
    lt_low_bit_close(b);
    return lt_fail(err, LT_ERR_RESOURCES, "no memory for a row of %lld values", (long long)in);
}

void lt_low_bit_close(lt_low_bit *b)
{
    free(b->packed);
    free(b->row);
    free(b->codes);
    free(b->scales);
    free(b->kept);
    *b = (lt_low_bit){0};
}

/* ---- one block ---- */

typedef struct {
    float low; /* integers of a code */
    float high;
} code_range;

typedef struct {
    float code[LT_BLOCK];
    uint16_t scale; /* f16 */
    float error;    /* squared, of all values */
} block_fit;

/* code = x * inverse to the nearest integer of the range, ties to even: the addend leaves no bits
 * for a fraction. */
static void round_block(float *code, const float *x, float inverse, code_range range)
{
    const float shift = 12582912.0f; /* 1.5 * 2^23 */
    for (int i = 0; i < LT_BLOCK; i++) {
        float t = x[i] * inverse;
        t = t < range.low ? range.low : t;
        t = t > range.high ? range.high : t;
        code[i] = (t + shift) - shift;
    }
}

static float dot(const float *a, const float *b)
{
    float sum = 0;
    for (int i = 0; i < LT_BLOCK; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Rounds with 1 / inverse, moves the scale to the optimum of these integers and rounds again. */
static void try_scale(block_fit *best, const float *x, float inverse, code_range range)
{
    block_fit fit;
    round_block(fit.code, x, inverse, range);
    const float square = dot(fit.code, fit.code);
    if (!(square > 0)) /* an inverse beyond f32 gives no numbers */
        return;
    fit.scale = lt_f32_to_f16(dot(x, fit.code) / square);
    const float scale = lt_f16_to_f32(fit.scale);
    if (scale == 0 || !isfinite(scale))
        return;
    round_block(fit.code, x, 1 / scale, range);
    fit.error = 0;
    for (int i = 0; i < LT_BLOCK; i++) {
        const float off = x[i] - scale * fit.code[i];
        fit.error += off * off;
    }
    if (fit.error < best->error)
        *best = fit;
}

/* The value of largest magnitude falls between these integers; the one on the long side of q4's -8
 * .. 7 comes first. */
static const float steps_q8[] = {126.0f, 126.5f, 127.0f, 127.5f, 0};
static const float steps_q4_low[] = {7.0f, 7.25f, 7.5f, 7.75f, 8.0f, 8.25f, 8.5f, 8.75f, 9.0f, 0};
static const float steps_q4_high[] = {6.25f, 6.5f, 6.75f, 7.0f, 7.25f, 7.5f, 7.75f, 0};

static void try_steps(block_fit *best, const float *x, float extreme, float sign,
                      const float *steps, code_range range)
{
    for (const float *s = steps; *s > 0; s++)
        try_scale(best, x, sign * *s / extreme, range);
}

/* All zeros where the block is zero, or too small for any f16 scale. */
static block_fit fit_block(const float *x, lt_dtype kind)
{
    block_fit best = {.error = INFINITY};
    float extreme = 0;
    for (int i = 0; i < LT_BLOCK; i++)
        if (fabsf(x[i]) > fabsf(extreme))
            extreme = x[i];
    if (extreme == 0)
        return best;
    if (kind == LT_Q8) {
        try_steps(&best, x, extreme, 1, steps_q8, (code_range){-127, 127});
    } else {
        try_steps(&best, x, extreme, -1, steps_q4_low, (code_range){-8, 7});
        try_steps(&best, x, extreme, 1, steps_q4_high, (code_range){-8, 7});
    }
    return best;
}

/* What fit_block gave, by its scale. */
static block_fit round_to_scale(const float *x, lt_dtype kind, uint16_t scale)
{
    block_fit fit = {.scale = scale};
    const code_range range = kind == LT_Q8 ? (code_range){-127, 127} : (code_range){-8, 7};
    if (lt_f16_to_f32(scale) != 0)
        round_block(fit.code, x, 1 / lt_f16_to_f32(scale), range);
    return fit;
}

/* ---- rows ---- */

static void store_block(lt_low_bit *b, int64_t at, const block_fit *fit)
{
    b->scales[at] = fit->scale;
    for (int i = 0; i < LT_BLOCK; i++)
        lt_store_element(b->codes, b->kind, at * LT_BLOCK + i, (double)fit->code[i]);
}

/* Of row `at`, where it is the next one. Without memory they are found again when needed. */
static void keep_scales(lt_low_bit *b, int64_t at, int64_t blocks)
{
    if (at != b->kept_rows || blocks == 0)
        return;
    if (!b->kept)
        b->kept = calloc((size_t)(b->matrix.dim[0] * blocks), sizeof *b->kept);
    if (!b->kept)
        return;
    memcpy(b->kept + at * blocks, b->scales, (size_t)blocks * sizeof *b->kept);
    b->kept_rows++;
}

/* Makes row `at` the current one. */
static lt_status load_row(lt_low_bit *b, int64_t at, lt_error *err)
{
    if (b->at == at)
        return LT_OK;
    const int64_t columns = b->matrix.dim[1];
    /* the largest f16 times the largest integer */
    const float most = 65504.0f * (b->kind == LT_Q4 ? 7 : 127);
    lt_pack(&b->matrix, at * columns, columns, b->packed);
    const int64_t bad = lt_first_not_finite(b->packed, b->matrix.dtype, columns);
    if (bad >= 0)
        return lt_fail(err, LT_ERR_INPUT, "value %lld is not finite",
                       (long long)(at * columns + bad));
    memset(b->codes, 0, (size_t)columns);
    for (int64_t c = 0; c < columns; c++) {
        b->row[c] = (float)lt_load_element(b->packed, b->matrix.dtype, c);
        if (!(fabsf(b->row[c]) <= most))
            return lt_fail(err, LT_ERR_INPUT, "a value of row %lld is too large for a scale in f16",
                           (long long)at);
    }
    const int64_t blocks = columns / LT_BLOCK;
    const uint16_t *kept = at < b->kept_rows ? b->kept + at * blocks : NULL;
    for (int64_t block = 0; block < blocks; block++) {
        const float *x = b->row + block * LT_BLOCK;
        const block_fit fit =
            kept ? round_to_scale(x, b->kind, kept[block]) : fit_block(x, b->kind);
        store_block(b, block, &fit);
    }
    keep_scales(b, at, blocks);
    b->at = at;
    return LT_OK;
}

typedef struct {
    const void *of_row; /* what each row gives ... */
    int64_t per_row;    /* ... in so many elements */
    size_t width;       /* bytes of one */
} row_part;

static lt_status copy_parts(lt_low_bit *b, row_part part, int64_t first, int64_t count, void *out,
                            lt_error *err)
{
    char *to = out;
    for (int64_t done = 0; done < count;) {
        const int64_t column = (first + done) % part.per_row;
        const int64_t run =
            part.per_row - column < count - done ? part.per_row - column : count - done;
        LT_TRY(load_row(b, (first + done) / part.per_row, err));
        memcpy(to + (size_t)done * part.width,
               (const char *)part.of_row + (size_t)column * part.width, (size_t)run * part.width);
        done += run;
    }
    return LT_OK;
}

lt_status lt_low_bit_codes(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    lt_low_bit *const b = user;
    const row_part part = {.of_row = b->codes, .per_row = b->code_shape.dim[1], .width = 1};
    return copy_parts(b, part, first, count, out, err);
}

lt_status lt_low_bit_scales(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    lt_low_bit *const b = user;
    const row_part part = {
        .of_row = b->scales, .per_row = b->scale_shape.dim[1], .width = sizeof *b->scales};
    return copy_parts(b, part, first, count, out, err);
}

/* ---- reading ---- */

static bool has_shape(const lt_tensor *t, lt_shape shape)
{
    return lt_same_shape(lt_shape_of(t), shape);
}

lt_dtype lt_low_bit_form(const lt_tensor *codes, const lt_tensor *scale, lt_shape matrix)
{
    if (matrix.rank != 2)
        return LT_NO_DTYPE;
    const int64_t out = matrix.dim[0];
    const int64_t in = matrix.dim[1];
    const bool whole = has_shape(codes, matrix);
    if (codes->dtype == LT_I8 && whole && scale->dtype == LT_F32 && lt_numel(scale) == out)
        return LT_I8;
    if (in % LT_BLOCK != 0 || scale->dtype != LT_F16 ||
        !has_shape(scale, lt_shape2(out, in / LT_BLOCK)))
        return LT_NO_DTYPE;
    if (codes->dtype == LT_I8 && whole)
        return LT_Q8;
    if (codes->dtype == LT_U8 && has_shape(codes, lt_shape2(out, in / 2)))
        return LT_Q4;
    return LT_NO_DTYPE;
}
