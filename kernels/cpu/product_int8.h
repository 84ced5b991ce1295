/* product_int8.h - the product of a tile in integers of 8 bits, by multiplications of 16 bits that
 * every processor has; and the panels that all of these products read.
 *
 *     x: units of 32 inputs of a row, rounded (int8_rounding.h)      { code[32], scale }
 *     W: units of 32 inputs of all columns           { scale[columns], code[8][columns][4] }
 *
 *     c[r, o] += scale_x[r] scale_w[o] (sum over the unit of code_x code_w)
 *
 * Every sum of a unit is exact: at most 32 * 127 * 128. Pairs of products are added by one
 * instruction, in 32 bits, so nothing saturates, as it would between bytes (255 * 127 * 2 is more
 * than 16 bits hold).
 */
#ifndef LT_PRODUCT_INT8_H
#define LT_PRODUCT_INT8_H

#include "kernels/core/weight.h"
#include "kernels/cpu/int8_panel.h"
#include "kernels/cpu/int8_rounding.h"
#include "kernels/cpu/product_wide.h"

enum {
    INT8_ROWS = LT_LANES == 16 ? 8 : 4, /* more are no faster: registers overflow */
    INT8_COLUMNS = 2 * LT_LANES,
    INT8_UNIT = LT_BLOCK, /* the scales of q8 and q4 are kept as they are */
    INT8_QUADS = INT8_UNIT / 4,
    INT8_DEPTH = 512
};

typedef struct {
    int16_t code[INT8_UNIT];
    float scale;
} int8_left;

typedef struct {
    float scale[INT8_COLUMNS];
    /* inputs 0, 2, 1, 3 of each four: pairs are the even bytes, and the odd ones */
    int8_t code[INT8_QUADS][INT8_COLUMNS][4];
} int8_right;

typedef int16_t vs __attribute__((vector_size(4 * LT_LANES)));
typedef uint16_t vus __attribute__((vector_size(4 * LT_LANES)));

/* Of each two bytes the odd one, or the even one, as 16 bits. */
LT_INLINE vi widen_bytes(const int8_t *code, const int odd)
{
    vs bytes;
    memcpy(&bytes, code, sizeof bytes);
    return odd ? (vi)(bytes >> 8) : (vi)((vs)((vus)bytes << 8) >> 8);
}

/* sum + the product of the low halves + that of the high ones. */
LT_INLINE vi add_pairs(vi sum, vi x, vi w)
{
#if LT_INTRINSIC_LANES == 16
    return sum + (vi)_mm512_madd_epi16((__m512i)x, (__m512i)w);
#elif LT_INTRINSIC_LANES == 8
    return sum + (vi)_mm256_madd_epi16((__m256i)x, (__m256i)w);
#elif defined(LT_NEON)
    return sum + vpaddq_s32(vmull_s16(vget_low_s16((int16x8_t)x), vget_low_s16((int16x8_t)w)),
                            vmull_high_s16((int16x8_t)x, (int16x8_t)w));
#else
    return sum + ((vi)((vu)x << 16) >> 16) * ((vi)((vu)w << 16) >> 16) + (x >> 16) * (w >> 16);
#endif
}

static void multiply_int8(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    (void)stretches;
    const char *x = left;
    const int8_right *w = panel;
    for (int64_t k = 0; k < stretch->run;
         k += INT8_UNIT, w++, x += sizeof(int8_left), first = false) {
        vi sum[INT8_ROWS][2] = {{{0}}};
        const char *codes = x;
        for (int q = 0; q < INT8_QUADS; q++) {
            LT_UNROLL
            for (int odd = 0; odd < 2; odd++) {
                vi line[2];
                for (int v = 0; v < 2; v++)
                    line[v] = widen_bytes(w->code[q][v * LT_LANES], odd);
                LT_UNROLL
                for (int r = 0; r < INT8_ROWS; r++) {
                    int32_t pair;
                    memcpy(&pair, codes + r * left_stride, sizeof pair);
                    for (int v = 0; v < 2; v++)
                        sum[r][v] = add_pairs(sum[r][v], pair - (vi){0}, line[v]);
                    LT_IN_ORDER(sum[r]);
                }
                codes += sizeof(int32_t);
            }
        }
        LT_UNROLL
        for (int r = 0; r < INT8_ROWS; r++)
            add_int8_sums(c + r * c_stride, sum[r],
                          ((const int8_left *)(const void *)(x + r * left_stride))->scale, w->scale,
                          first);
    }
}

static void load_int8(void *left, const void *x, lt_dtype type, int64_t count)
{
    int8_left *to = left;
    for (int64_t k = 0; k < count; k += INT8_UNIT, to++) {
        int8_t code[INT8_UNIT];
        to->scale =
            round_unit(code, INT8_UNIT, x, type, k, count - k < INT8_UNIT ? count - k : INT8_UNIT);
        for (int i = 0; i < INT8_UNIT; i++)
            to->code[i] = (int16_t)code[i];
    }
}

/* Bytes 1 and 2 of each four change places. */
LT_INLINE void swap_middle_bytes(int8_t *code, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i += 4 * LT_LANES) {
        vu quads;
        memcpy(&quads, code + i, sizeof quads);
        quads = (quads & 0xff0000ff) | (quads & 0xff00) << 8 | (quads >> 8 & 0xff00);
        memcpy(code + i, &quads, sizeof quads);
    }
}

static void pack_int8(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                      int64_t depth)
{
    (void)type;
    for (int64_t k = 0; k < depth; k += INT8_UNIT) {
        int8_right *to = (int8_right *)panel + k / INT8_UNIT;
        const int64_t some = depth - k < INT8_UNIT ? depth - k : INT8_UNIT;
        pack_quads(to->code[0][0], INT8_QUADS, INT8_COLUMNS, (const int8_t *)rows + k, stride,
                   count, some);
        swap_middle_bytes(to->code[0][0], sizeof to->code);
    }
}

/* Rows in units of any length: codes, and a scale for each unit, `scale_stride` apart. */
static void round_units(int8_t *codes, float *scale, int64_t scale_stride, const void *x,
                        lt_dtype type, int64_t count, int64_t length)
{
    for (int64_t k = 0; k < count; k += length, scale += scale_stride) {
        const int64_t some = count - k < length ? count - k : length;
        *scale = round_unit(codes + k, some, x, type, k, some);
    }
}

/* clang-format off */
#define LT_INT8_PRODUCT                                                                            \
    {.type = LT_I8, .rows = INT8_ROWS, .columns = INT8_COLUMNS, .step = INT8_UNIT, .depth = INT8_DEPTH, \
     .unit = INT8_UNIT, .unit_head = offsetof(int8_right, code),                                   \
     .left_pitch = INT8_DEPTH / INT8_UNIT * sizeof(int8_left),                                     \
     .pack = pack_int8, .load = load_int8, .multiply = multiply_int8}
/* clang-format on */

#endif
