/* matrix_tile.h - the matrix product of one tile, and the layouts it reads.
 *
 *     left:   rows of f32, any distance apart (a block of x, or the pixels of an image: then rows overlap)
 *     right:  panel[depth][TILE_COLUMNS], TILE_COLUMNS outputs side by side, so that one load serves all rows
 *     sums:   TILE_ROWS x TILE_COLUMNS in registers: 6 x 16 with AVX2 (12 of 16 registers), 14 x 32 with AVX-512 (28 of 32)
 *
 * Every output is summed over the depth in one order, whatever tile it falls into.
 */
#ifndef LT_MATRIX_TILE_H
#define LT_MATRIX_TILE_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/vec_math.h"

#if LT_LANES == 16
enum { TILE_ROWS = 14 };
#elif LT_LANES == 8
enum { TILE_ROWS = 6 };
#else
enum { TILE_ROWS = 4 };
#endif
enum { TILE_COLUMNS = 2 * LT_LANES };

#if defined(__clang__)
#define LT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LT_UNROLL _Pragma("GCC unroll 16")
#endif

static void multiply(float *c, int64_t c_stride, const float *a, int64_t a_stride, const lt_stretch *stretch, int stretches,
                     const float *panel, bool first)
{
    vf sum[TILE_ROWS][2];
    LT_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        sum[r][0] = first ? vf_set(0) : vf_load(c + r * c_stride);
        sum[r][1] = first ? vf_set(0) : vf_load(c + r * c_stride + LT_LANES);
    }
    for (int s = 0; s < stretches; s++) {
        const float *row = a + stretch[s].offset;
        for (int64_t k = 0; k < stretch[s].run; k++, row++, panel += TILE_COLUMNS) {
            const vf left = vf_load(panel);
            const vf right = vf_load(panel + LT_LANES);
            LT_UNROLL
            for (int r = 0; r < TILE_ROWS; r++) {
                const vf x = vf_set(row[r * a_stride]);
                sum[r][0] = vf_fma(x, left, sum[r][0]);
                sum[r][1] = vf_fma(x, right, sum[r][1]);
            }
        }
    }
    LT_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        vf_store(c + r * c_stride, sum[r][0]);
        vf_store(c + r * c_stride + LT_LANES, sum[r][1]);
    }
}

/* Widens LT_LANES columns of a few rows at a time and writes them down the panel. */
LT_INLINE void pack_panel_of(float *panel, const char *rows, lt_dtype type, int64_t row_bytes, int64_t count, int64_t depth,
                             const float *scale)
{
    for (int64_t k = 0; k < depth; k += LT_LANES) {
        const int64_t some = depth - k < LT_LANES ? depth - k : LT_LANES;
        for (int64_t r = 0; r < TILE_COLUMNS; r++) {
            float lane[LT_LANES] = {0};
            if (r < count) {
                const char *row = rows + r * row_bytes;
                const vf x = some == LT_LANES ? vf_load_any(row, type, k) : vf_load_tail(row, type, k, some);
                vf_store(lane, scale == NULL ? x : x * scale[r]);
            }
            for (int64_t i = 0; i < some; i++)
                panel[(k + i) * TILE_COLUMNS + r] = lane[i];
        }
    }
}

static void pack_panel(float *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count, int64_t depth,
                       const float *scale)
{
    const int64_t row_bytes = stride * vf_element_bytes(type);
    switch (type) {
    case LT_BF16:
        pack_panel_of(panel, rows, LT_BF16, row_bytes, count, depth, scale);
        break;
    case LT_F16:
        pack_panel_of(panel, rows, LT_F16, row_bytes, count, depth, scale);
        break;
    case LT_I8:
        pack_panel_of(panel, rows, LT_I8, row_bytes, count, depth, scale);
        break;
    default:
        pack_panel_of(panel, rows, LT_F32, row_bytes, count, depth, scale);
    }
}

LT_INLINE void widen_of(float *out, const void *x, lt_dtype type, int64_t count)
{
    int64_t i = 0;
    for (; i + LT_LANES <= count; i += LT_LANES)
        vf_store(out + i, vf_load_any(x, type, i));
    if (i < count)
        vf_store_tail(out, LT_F32, i, count - i, vf_load_tail(x, type, i, count - i));
}

static void widen(float *out, const void *x, lt_dtype type, int64_t count)
{
    switch (type) {
    case LT_BF16:
        widen_of(out, x, LT_BF16, count);
        break;
    case LT_F16:
        widen_of(out, x, LT_F16, count);
        break;
    case LT_I8:
        widen_of(out, x, LT_I8, count);
        break;
    default:
        memcpy(out, x, (size_t)count * sizeof *out);
    }
}

/* One vector of sums: bias, activation, residual. */
LT_INLINE vf finished(vf sum, const lt_finish *f, int64_t row, int64_t column, int64_t count)
{
    if (f->bias != NULL)
        sum += count == LT_LANES ? vf_load(f->bias + column) : vf_load_tail(f->bias, LT_F32, column, count);
    sum = vf_activate(sum, f->act);
    if (f->add != NULL) {
        const int64_t at = row * f->add_stride + column;
        sum += count == LT_LANES ? vf_load_any(f->add, f->add_type, at) : vf_load_tail(f->add, f->add_type, at, count);
    }
    return sum;
}

static void finish(void *out, lt_dtype type, int64_t out_stride, const float *c, int64_t c_stride, int64_t rows, int64_t columns,
                   const lt_finish *f)
{
    for (int64_t r = 0; r < rows; r++) {
        int64_t i = 0;
        for (; i + LT_LANES <= columns; i += LT_LANES)
            vf_store_any(out, type, r * out_stride + i, finished(vf_load(c + r * c_stride + i), f, r, i, LT_LANES));
        if (i < columns) {
            const vf sum = vf_load_tail(c, LT_F32, r * c_stride + i, columns - i);
            vf_store_tail(out, type, r * out_stride + i, columns - i, finished(sum, f, r, i, columns - i));
        }
    }
}

/* ---- a few rows against a matrix that is streamed from memory ---- */

/* Outputs at a time: enough independent sums to hide the latency of the multiply-add, and no more than there are registers. */
#define STREAMS_OF(rows) (LT_LANES == 16 || (rows) < 4 ? 4 : 2)

/* y[r][s] = x[r] . w[s] * scale[s], rows of w `row_bytes` apart. While one set of rows is read the next is fetched: they often lie in
 * other pages, where the processor does not look ahead by itself (12 -> 21 GB/s on one Zen 3 core, rows of 4 KB). */
LT_INLINE void dot_streams(float *y, int64_t y_stride, const float *x, int64_t x_stride, const int rows, const char *w,
                           lt_dtype type, int64_t row_bytes, int64_t depth, const int streams, const float *scale)
{
    vf sum[LT_VECTOR_ROWS][4];
    LT_UNROLL
    for (int r = 0; r < rows; r++)
        LT_UNROLL
        for (int s = 0; s < streams; s++)
            sum[r][s] = vf_set(0);
    int64_t k = 0;
    for (; k + LT_LANES <= depth; k += LT_LANES) {
        vf left[LT_VECTOR_ROWS];
        LT_UNROLL
        for (int r = 0; r < rows; r++)
            left[r] = vf_load(x + r * x_stride + k);
        LT_UNROLL
        for (int s = 0; s < streams; s++) {
            const vf right = vf_load_any(w + s * row_bytes, type, k);
            __builtin_prefetch(w + (s + streams) * row_bytes + k * vf_element_bytes(type));
            LT_UNROLL
            for (int r = 0; r < rows; r++)
                sum[r][s] = vf_fma(left[r], right, sum[r][s]);
        }
    }
    if (k < depth)
        for (int s = 0; s < streams; s++)
            for (int r = 0; r < rows; r++)
                sum[r][s] += vf_load_tail(x + r * x_stride, LT_F32, k, depth - k) *
                             vf_load_tail(w + s * row_bytes, type, k, depth - k);
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < streams; s++)
            y[r * y_stride + s] = vf_sum(sum[r][s]) * (scale == NULL ? 1.0f : scale[s]);
}

LT_INLINE void dot_all(float *y, int64_t y_stride, const float *x, int64_t x_stride, const int rows, const char *w, lt_dtype type,
                       int64_t row_bytes, int64_t depth, int64_t outputs, const float *scale)
{
    int64_t o = 0;
    for (; o + STREAMS_OF(rows) <= outputs; o += STREAMS_OF(rows))
        dot_streams(y + o, y_stride, x, x_stride, rows, w + o * row_bytes, type, row_bytes, depth, STREAMS_OF(rows),
                    scale == NULL ? NULL : scale + o);
    for (; o < outputs; o++)
        dot_streams(y + o, y_stride, x, x_stride, rows, w + o * row_bytes, type, row_bytes, depth, 1,
                    scale == NULL ? NULL : scale + o);
}

LT_INLINE void matrix_vector_rows(float *y, int64_t y_stride, const float *x, int64_t x_stride, const int rows, const void *w,
                                  lt_dtype type, int64_t depth, int64_t outputs, const float *scale)
{
    switch (type) {
    case LT_BF16:
        dot_all(y, y_stride, x, x_stride, rows, w, LT_BF16, 2 * depth, depth, outputs, scale);
        break;
    case LT_F16:
        dot_all(y, y_stride, x, x_stride, rows, w, LT_F16, 2 * depth, depth, outputs, scale);
        break;
    case LT_I8:
        dot_all(y, y_stride, x, x_stride, rows, w, LT_I8, depth, depth, outputs, scale);
        break;
    default:
        dot_all(y, y_stride, x, x_stride, rows, w, LT_F32, 4 * depth, depth, outputs, scale);
    }
}

static void matrix_vector(float *y, int64_t y_stride, const float *x, int64_t x_stride, int rows, const void *w, lt_dtype type,
                          int64_t depth, int64_t outputs, const float *scale)
{
    switch (rows) {
    case 1:
        matrix_vector_rows(y, y_stride, x, x_stride, 1, w, type, depth, outputs, scale);
        break;
    case 2:
        matrix_vector_rows(y, y_stride, x, x_stride, 2, w, type, depth, outputs, scale);
        break;
    case 3:
        matrix_vector_rows(y, y_stride, x, x_stride, 3, w, type, depth, outputs, scale);
        break;
    default:
        matrix_vector_rows(y, y_stride, x, x_stride, 4, w, type, depth, outputs, scale);
    }
}

#endif
