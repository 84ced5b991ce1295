/* low_bit_block.h - matrices stored in blocks of 32 integers of 8 or 4 bits with one f16 scale
 * each.
 *
 *     q8: a block is 32 signed bytes
 *     q4: a block is 16 bytes; byte i holds elements i (low half) and 16 + i (high half),
 *         both 8 too large
 *
 * For many rows blocks are widened on the way into a panel (low_bit_panel.h). Few rows read them as
 * they are stored (few_rows.h).
 */
#ifndef LT_LOW_BIT_BLOCK_H
#define LT_LOW_BIT_BLOCK_H

#include "kernels/core/weight.h"
#include "kernels/cpu/vec.h"

enum { BLOCK_VECTORS = LT_BLOCK / LT_LANES };

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

#endif
