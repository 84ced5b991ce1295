/* float_rows.h - few rows against a matrix of floats, or of integers with a scale a row, that is
 * streamed from memory. */
#ifndef LT_FLOAT_ROWS_H
#define LT_FLOAT_ROWS_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/vec.h"

/* Outputs at a time: enough independent sums to hide the latency of the multiply-add, and no more
 * than there are registers. */
#define STREAMS_OF(rows) (LT_LANES == 16 || (rows) < 4 ? 4 : 2)

/* Where a stream asks for memory: 1 KB ahead (256 to 2048 are about as fast on an Emerald Rapids),
 * or LT_FAR_FETCH, 8 KB ahead and no further up than the L2 cache. AMD's processors want that, for
 * few lines may be on their way to the L1 cache: one Zen 4 core, two rows of 2048, bf16 16 -> 22
 * GB/s, q8 11 -> 21, q4 12 -> 20. */
#ifndef LT_FAR_FETCH
#define LT_FAR_FETCH 0
#endif

/* Asks for what a stream of rows needs a little later: of the `left` bytes of its row from `at` on,
 * or of its next row, `skip` bytes behind the end of this one. */
LT_INLINE void fetch_ahead(const void *at, int64_t left, int64_t skip)
{
    enum { AHEAD = LT_FAR_FETCH ? 8192 : 1024, L1 = 3, L2 = 2 };
    __builtin_prefetch((const char *)at + AHEAD + (left > AHEAD ? 0 : skip), 0,
                       LT_FAR_FETCH ? L2 : L1);
}

/* y[r][s] = x[r] . w[s], rows of w `row_bytes` apart, more than they are long where that is said.
 * What comes next is fetched meanwhile: it often lies in other pages, where the processor does not
 * look ahead by itself (12 -> 21 GB/s on one Zen 3 core, rows of 4 KB). */
LT_INLINE void dot_streams(float *y, int64_t y_stride, const float *x, int64_t x_stride,
                           const int rows, const char *w, lt_dtype type, int64_t row_bytes,
                           int64_t depth, const bool apart, const int streams)
{
    vf sum[LT_VECTOR_ROWS][4];
    LT_UNROLL
    for (int r = 0; r < rows; r++) {
        LT_UNROLL
        for (int s = 0; s < streams; s++)
            sum[r][s] = vf_set(0);
    }
    int64_t k = 0;
    for (; k + LT_LANES <= depth; k += LT_LANES) {
        vf left[LT_VECTOR_ROWS];
        LT_UNROLL
        for (int r = 0; r < rows; r++)
            left[r] = vf_load(x + r * x_stride + k);
        LT_UNROLL
        for (int s = 0; s < streams; s++) {
            const vf right = vf_load_any(w + s * row_bytes, type, k);
            const char *at = w + s * row_bytes + k * vf_element_bytes(type);
            if (apart)
                __builtin_prefetch(at + 2 * streams * row_bytes);
            else
                fetch_ahead(at, row_bytes - k * vf_element_bytes(type), (streams - 1) * row_bytes);
            LT_UNROLL
            for (int r = 0; r < rows; r++)
                sum[r][s] = vf_fma(left[r], right, sum[r][s]);
        }
    }
    if (k < depth) {
        LT_UNROLL_TAIL
        for (int s = 0; s < streams; s++) {
            LT_UNROLL_TAIL
            for (int r = 0; r < rows; r++)
                sum[r][s] += vf_load_tail(x + r * x_stride, LT_F32, k, depth - k) *
                             vf_load_tail(w + s * row_bytes, type, k, depth - k);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < streams; s++)
            y[r * y_stride + s] = vf_sum(sum[r][s]);
}

LT_INLINE void dot_all(float *y, int64_t y_stride, const float *x, int64_t x_stride, const int rows,
                       const char *w, lt_dtype type, int64_t row_bytes, int64_t depth,
                       const bool apart, int64_t outputs)
{
    int64_t o = 0;
    for (; o + STREAMS_OF(rows) <= outputs; o += STREAMS_OF(rows))
        dot_streams(y + o, y_stride, x, x_stride, rows, w + o * row_bytes, type, row_bytes, depth,
                    apart, STREAMS_OF(rows));
    for (; o < outputs; o++)
        dot_streams(y + o, y_stride, x, x_stride, rows, w + o * row_bytes, type, row_bytes, depth,
                    apart, 1);
}

LT_INLINE void matrix_vector_of(float *y, int64_t y_stride, const float *x, int64_t x_stride,
                                const int rows, const void *w, lt_dtype type, int64_t depth,
                                int64_t outputs)
{
    switch (type) {
    case LT_BF16:
        dot_all(y, y_stride, x, x_stride, rows, w, LT_BF16, 2 * depth, depth, false, outputs);
        break;
    case LT_F16:
        dot_all(y, y_stride, x, x_stride, rows, w, LT_F16, 2 * depth, depth, false, outputs);
        break;
    case LT_I8:
        dot_all(y, y_stride, x, x_stride, rows, w, LT_I8, depth, depth, false, outputs);
        break;
    default:
        dot_all(y, y_stride, x, x_stride, rows, w, LT_F32, 4 * depth, depth, false, outputs);
    }
}

static void matrix_vector(float *y, int64_t y_stride, const float *x, int64_t x_stride, int rows,
                          const void *w, lt_dtype type, int64_t depth, int64_t outputs)
{
    LT_WITH_ROWS(rows, matrix_vector_of(y, y_stride, x, x_stride, ROWS, w, type, depth, outputs));
}

#endif
