/* low_bit_panel.h - blocks of few bits on their way into a panel: as floats, and as units of int8.
 */
#ifndef LT_LOW_BIT_PANEL_H
#define LT_LOW_BIT_PANEL_H

#include "kernels/cpu/int8_rounding.h"
#include "kernels/cpu/low_bit_block.h"

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

#endif
