/* low_bit_rows.h - few rows against a q8 matrix without vectors of 8 or 16 lanes: each sum of a
 * block scaled once. With them, and of q4: rounded_rows.h. */
#ifndef LT_LOW_BIT_ROWS_H
#define LT_LOW_BIT_ROWS_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/low_bit_block.h"

enum { BLOCK_STREAMS = 2 };

/* y[r][s] = x[r] . w[s] for neighbouring rows of a q8 matrix; what comes
 * next of w is fetched meanwhile. */
LT_INLINE void block_dots(float *y, int64_t y_stride, const float *x, int64_t x_stride,
                          const int rows, const uint8_t *w, const uint16_t *scale, int64_t blocks,
                          const int streams)
{
    vf sum[LT_VECTOR_ROWS][BLOCK_STREAMS];
    LT_UNROLL
    for (int r = 0; r < rows; r++) {
        LT_UNROLL
        for (int s = 0; s < streams; s++)
            sum[r][s] = vf_set(0);
    }
    FOR_VECTORS (first, some, blocks) {
        float factor[BLOCK_STREAMS][LT_LANES];
        for (int s = 0; s < streams; s++)
            vf_store(factor[s], vf_load_some(scale + s * blocks, LT_F16, first, some));
        for (int64_t i = 0; i < some; i++) {
            const float *left = x + (first + i) * LT_BLOCK;
            LT_UNROLL
            for (int s = 0; s < streams; s++) {
                const uint8_t *at = w + (s * blocks + first + i) * LT_BLOCK;
                vf block[BLOCK_VECTORS];
                load_block(block, at, LT_Q8);
                __builtin_prefetch(at + streams * blocks * LT_BLOCK);
                LT_UNROLL
                for (int r = 0; r < rows; r++) {
                    vf part = vf_load(left + r * x_stride) * block[0];
                    LT_UNROLL
                    for (int v = 1; v < BLOCK_VECTORS; v++)
                        part = vf_fma(vf_load(left + r * x_stride + v * LT_LANES), block[v], part);
                    sum[r][s] = vf_fma(part, vf_set(factor[s][i]), sum[r][s]);
                }
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < streams; s++)
            y[r * y_stride + s] = vf_sum(sum[r][s]);
}

LT_INLINE void block_dots_all(float *y, int64_t y_stride, const float *x, int64_t x_stride,
                              const int rows, const uint8_t *w, const uint16_t *scale,
                              int64_t blocks, int64_t outputs)
{
    const int64_t row_bytes = blocks * LT_BLOCK;
    int64_t o = 0;
    for (; o + BLOCK_STREAMS <= outputs; o += BLOCK_STREAMS)
        block_dots(y + o, y_stride, x, x_stride, rows, w + o * row_bytes, scale + o * blocks,
                   blocks, BLOCK_STREAMS);
    for (; o < outputs; o++)
        block_dots(y + o, y_stride, x, x_stride, rows, w + o * row_bytes, scale + o * blocks,
                   blocks, 1);
}

static void matrix_vector_q8(float *y, int64_t y_stride, const float *x, int64_t x_stride, int rows,
                             const void *w, const uint16_t *scale, int64_t depth, int64_t outputs)
{
    const int64_t blocks = depth / LT_BLOCK;
    LT_WITH_ROWS(rows, block_dots_all(y, y_stride, x, x_stride, ROWS, w, scale, blocks, outputs));
}

#endif
