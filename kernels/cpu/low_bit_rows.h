/* low_bit_rows.h - matrices stored in blocks of 32 integers of 8 or 4 bits with one f16 scale each.
 *
 *     q8: a block is 32 signed bytes
 *     q4: a block is 16 bytes; byte i holds elements i (low half) and 16 + i (high half),
 *         both 8 too large
 *
 * For many rows blocks are widened on the way into a panel. Few rows read them as they are stored:
 * in rounded_rows.h, and q8 without vectors of 8 or 16 lanes here, each sum of a block scaled once.
 */
#ifndef LT_LOW_BIT_ROWS_H
#define LT_LOW_BIT_ROWS_H

#include "kernels/core/weight.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/int8_rounding.h"
#include "kernels/cpu/vec.h"

enum { BLOCK_VECTORS = LT_BLOCK / LT_LANES, BLOCK_STREAMS = 2 };

LT_INLINE int64_t block_bytes(lt_dtype type)
{
    return type == LT_Q4 ? LT_BLOCK / 2 : LT_BLOCK;
}

#if defined(LT_NEON)
LT_INLINE void widen_sixteen(vf out[4], int8x16_t bytes)
{
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes));
    const int16x8_t high = vmovl_high_s8(bytes);
    out[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(low)));
    out[1] = vcvtq_f32_s32(vmovl_high_s16(low));
    out[2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(high)));
    out[3] = vcvtq_f32_s32(vmovl_high_s16(high));
}
#endif

/* The integers of a block in order. */
LT_INLINE void load_block(vf out[BLOCK_VECTORS], const uint8_t *block, lt_dtype type)
{
    if (type == LT_Q8) {
#if defined(LT_NEON)
        LT_UNROLL
        for (int v = 0; v < BLOCK_VECTORS; v += 4)
            widen_sixteen(out + v, vld1q_s8((const int8_t *)block + v * LT_LANES));
#else
        LT_UNROLL
        for (int v = 0; v < BLOCK_VECTORS; v++)
            out[v] = vf_load_i8((const int8_t *)block + v * LT_LANES);
#endif
        return;
    }
    LT_UNROLL
    for (int v = 0; v < BLOCK_VECTORS / 2; v++) {
        const vi pairs = vi_load_u8(block + v * LT_LANES);
        out[v] = __builtin_convertvector((pairs & 15) - 8, vf);
        out[v + BLOCK_VECTORS / 2] = __builtin_convertvector((pairs >> 4) - 8, vf);
    }
}

LT_INLINE void widen_blocks_of(float *out, const uint8_t *w, lt_dtype type, const uint16_t *scale,
                               int64_t count)
{
    FOR_VECTORS (first, some, count / LT_BLOCK) {
        float factor[LT_LANES];
        vf_store(factor, vf_load_some(scale, LT_F16, first, some));
        for (int64_t i = 0; i < some; i++) {
            vf block[BLOCK_VECTORS];
            load_block(block, w + (first + i) * block_bytes(type), type);
            LT_UNROLL
            for (int v = 0; v < BLOCK_VECTORS; v++)
                vf_store(out + (first + i) * LT_BLOCK + v * LT_LANES, block[v] * factor[i]);
        }
    }
}

static void widen_blocks(float *out, const void *w, lt_dtype type, const uint16_t *scale,
                         int64_t count)
{
    if (type == LT_Q4)
        widen_blocks_of(out, w, LT_Q4, scale, count);
    else
        widen_blocks_of(out, w, LT_Q8, scale, count);
}

/* ---- blocks as units of int8 ---- */

LT_INLINE void round_unit_blocks(int8_t *codes, float *scale, const uint8_t *w, lt_dtype type,
                                 const float *block_scale, int64_t blocks)
{
    /* to a step of the block with the largest scale, whose codes stay exact */
    const float steps = type == LT_Q4 ? 15 : 1;
    float largest = 0;
    for (int64_t i = 0; i < blocks; i++) /* a NaN stays */
        largest =
            fabsf(block_scale[i]) <= largest || isnan(largest) ? largest : fabsf(block_scale[i]);
    const float inverse = largest > 0 && largest < INFINITY ? steps / largest : 0;
    *scale = largest / steps;
    for (int64_t i = 0; i < blocks; i++) {
        const float factor = block_scale[i] * inverse;
        vf block[BLOCK_VECTORS];
        load_block(block, w + i * block_bytes(type), type);
        LT_UNROLL
        for (int v = 0; v < BLOCK_VECTORS; v++) {
            /* of q8 up to 128, where -128 has a negative scale */
            const vf code = block[v] * factor;
            store_int8_codes(codes + i * LT_BLOCK + v * LT_LANES,
                             type == LT_Q4 ? code : vf_min(code, vf_set(127)), LT_LANES);
        }
    }
}

static void round_blocks(int8_t *codes, float *scale, int64_t scale_stride, const void *w,
                         lt_dtype type, const float *block_scale, int64_t count, int64_t length)
{
    for (int64_t k = 0; k < count; k += length, scale += scale_stride) {
        const uint8_t *at = (const uint8_t *)w + k / LT_BLOCK * block_bytes(type);
        const int64_t blocks = (count - k < length ? count - k : length) / LT_BLOCK;
        if (type == LT_Q4)
            round_unit_blocks(codes + k, scale, at, LT_Q4, block_scale + k / LT_BLOCK, blocks);
        else
            round_unit_blocks(codes + k, scale, at, LT_Q8, block_scale + k / LT_BLOCK, blocks);
    }
}

/* ---- few rows ---- */

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
