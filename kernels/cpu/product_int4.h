/* product_int4.h - as product_int8.h, for codes of 4 bits: q4 multiplied as bytes, whose pairs are
 * summed in 16 bits through a whole unit.
 *
 *     W: codes as they are stored, 8 too large: 0 .. 15      x: -127 .. 127
 *
 *     sum of code_w code_x = sum of (code_w + 8) code_x  -  8 sum of code_x
 *
 * Half of a unit's 32 products meet in one sum of 16 bits: at most 16 * 15 * 127 = 30480. One
 * instruction makes and adds twice as many products as those of int8.
 */
#ifndef LT_PRODUCT_INT4_H
#define LT_PRODUCT_INT4_H

#include "kernels/cpu/product_int8.h"

typedef struct {
    int8_t code[INT8_UNIT];
    int32_t extra; /* 8 times their sum */
    float scale;
} int4_left;

typedef struct {
    float scale[INT8_COLUMNS];
    uint8_t code[INT8_QUADS][INT8_COLUMNS][4];
} int4_right;

/* Of each lane: the products of four bytes of w and four of x, added to two sums of 16 bits. */
LT_INLINE vi add_quads(vi sums, vi w, vi x)
{
#if LT_INTRINSIC_LANES == 16
    return (vi)_mm512_add_epi16((__m512i)sums, _mm512_maddubs_epi16((__m512i)w, (__m512i)x));
#elif LT_INTRINSIC_LANES == 8
    return (vi)_mm256_add_epi16((__m256i)sums, _mm256_maddubs_epi16((__m256i)w, (__m256i)x));
#elif defined(LT_NEON)
    return (vi)((int16x8_t)sums +
                vpaddq_s16(vmull_s8(vget_low_s8((int8x16_t)w), vget_low_s8((int8x16_t)x)),
                           vmull_high_s8((int8x16_t)w, (int8x16_t)x)));
#else
    const vs even = (vs)(w & 0x00ff00ff) * ((vs)((vus)x << 8) >> 8);
    return (vi)((vs)sums + even + (vs)((vus)w >> 8) * ((vs)x >> 8));
#endif
}

static void multiply_int4(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    (void)stretches;
    const char *x = left;
    const int4_right *w = panel;
    for (int64_t k = 0; k < stretch->run;
         k += INT8_UNIT, w++, x += sizeof(int4_left), first = false) {
        vi sum[INT8_ROWS][2] = {{{0}}};
        const char *codes = x;
        for (int q = 0; q < INT8_QUADS; q++) {
            const vi line[2] = {load_line(w->code[q][0]), load_line(w->code[q][LT_LANES])};
            LT_UNROLL
            for (int r = 0; r < INT8_ROWS; r++) {
                int32_t quad;
                memcpy(&quad, codes + r * left_stride, sizeof quad);
                for (int v = 0; v < 2; v++)
                    sum[r][v] = add_quads(sum[r][v], line[v], quad - (vi){0});
                LT_IN_ORDER(sum[r]);
            }
            codes += sizeof(int32_t);
        }
        LT_UNROLL
        for (int r = 0; r < INT8_ROWS; r++) {
            const int4_left *row = (const int4_left *)(const void *)(x + r * left_stride);
            const vi ones = 0x10001 - (vi){0};
            const vi extra = (vi){0} - row->extra;
            const vi whole[2] = {add_pairs(extra, sum[r][0], ones),
                                 add_pairs(extra, sum[r][1], ones)};
            add_int8_sums(c + r * c_stride, whole, row->scale, w->scale, first);
        }
    }
}

static void load_int4(void *left, const void *x, lt_dtype type, int64_t count)
{
    int4_left *to = left;
    for (int64_t k = 0; k < count; k += INT8_UNIT, to++) {
        to->scale = round_unit(to->code, INT8_UNIT, x, type, k,
                               count - k < INT8_UNIT ? count - k : INT8_UNIT);
        to->extra = 0;
        for (int i = 0; i < INT8_UNIT; i++)
            to->extra += 8 * to->code[i];
    }
}

static void pack_int4(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                      int64_t depth)
{
    (void)type;
    for (int64_t k = 0; k < depth; k += INT8_UNIT) {
        int4_right *to = (int4_right *)panel + k / INT8_UNIT;
        uint8_t *code = to->code[0][0];
        const int64_t some = depth - k < INT8_UNIT ? depth - k : INT8_UNIT;
        pack_quads((int8_t *)code, INT8_QUADS, INT8_COLUMNS, (const int8_t *)rows + k, stride,
                   count, some);
        for (size_t i = 0; i < sizeof to->code; i++)
            code[i] = (uint8_t)(code[i] + 8);
    }
}

/* clang-format off */
#define LT_INT4_PRODUCT                                                                            \
    {.type = LT_I8, .rows = INT8_ROWS, .columns = INT8_COLUMNS, .step = INT8_UNIT, .depth = INT8_DEPTH, \
     .unit = INT8_UNIT, .unit_head = offsetof(int4_right, code),                                   \
     .left_pitch = INT8_DEPTH / INT8_UNIT * sizeof(int4_left) + 64,                                \
     .pack = pack_int4, .load = load_int4, .multiply = multiply_int4}
/* clang-format on */

#endif
