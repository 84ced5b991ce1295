/* product_int16.h - the product of bf16 in integers of 16 bits, for processors that multiply pairs
 * of those faster.
 *
 *     x: units of 128 inputs of a row, rounded      { code[128], scale }
 *     W: units of 128 inputs of all columns         { scale[columns], code[64][columns][2] }
 *
 *     scale = largest |x| of the unit / 4095        code = x / scale, to the nearest
 *     c[r, o] += scale_x[r] scale_w[o] (sum over the unit of code_x code_w)
 *
 * Sums of a unit are exact: at most 128 * 4095^2 < 2^31. What rounding adds, largest / 8190 for
 * each input at most, is less than what bf16 left of the largest of them alone: 128 errors of that
 * size, of either sign, come to largest / 1250, half a step of bf16 is largest / 512. A unit with a
 * NaN or an infinity has it as its scale, so that no sum with it is finite.
 *
 * 16 lanes only.
 */
#ifndef LT_PRODUCT_INT16_H
#define LT_PRODUCT_INT16_H

#include <stddef.h>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/int8_panel.h"
#include "kernels/cpu/int8_rounding.h"
#include "kernels/cpu/vec.h"

enum {
    INT16_ROWS = LINE_ROWS,
    INT16_COLUMNS = 2 * LT_LANES,
    INT16_UNIT = 128,
    INT16_PAIRS = INT16_UNIT / 2,
    INT16_DEPTH = 3 * INT16_UNIT, /* 24 KB of panel */
    PAIR_LANES = 2 * LT_LANES     /* codes of a vector */
};

typedef struct {
    int16_t code[INT16_UNIT];
    float scale;
} int16_left;

typedef struct {
    float scale[INT16_COLUMNS];
    int16_t code[INT16_PAIRS][INT16_COLUMNS][2];
} int16_right;

/* The largest code where `depth` products of two are summed in 32 bits. */
LT_INLINE float int16_limit(int64_t depth)
{
    return depth <= 2 ? 32767.0f : floorf(sqrtf(2147483520.0f / (float)depth));
}

/* sum + the product of the low halves + that of the high ones. */
LT_INLINE vi add_int16(vi sum, vi x, vi w)
{
    return (vi)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
}

/* ---- rounding ---- */

/* 2 LT_LANES neighbours, those of even and of odd places; beyond `some` they
 * are zero. `type` is a constant. */
typedef struct {
    vf even;
    vf odd;
} pairs;

LT_INLINE pairs load_pairs(const void *x, lt_dtype type, int64_t first, int64_t some)
{
    if (type == LT_BF16) {
        vu both = {0};
        if (some >= PAIR_LANES)
            memcpy(&both, (const uint16_t *)x + first, sizeof both);
        else
            memcpy(&both, (const uint16_t *)x + first, (size_t)some * 2);
        return (pairs){.even = (vf)(both << 16), .odd = (vf)(both & 0xffff0000)};
    }
    float value[PAIR_LANES] = {0};
    FOR_VECTORS (i, part, some < PAIR_LANES ? some : PAIR_LANES)
        vf_store(value + i, vf_load_some(x, type, first + i, part));
    pairs p;
    for (int i = 0; i < LT_LANES; i++) {
        p.even[i] = value[2 * i];
        p.odd[i] = value[2 * i + 1];
    }
    return p;
}

#define SMALLEST 0x1p-100f /* what divides a limit without overflow */

/* 0 where `largest` is no number to divide by: codes then mean nothing beside the scale. */
LT_INLINE vf inverse_of(vf largest, float limit)
{
    return vf_choose((largest > SMALLEST) & (largest < INFINITY), limit / largest, vf_set(0));
}

/* The codes of neighbours in the low and high halves of lanes. */
LT_INLINE vi pair_codes(vf low, vf high, vf low_inverse, vf high_inverse)
{
    /* 1.5 * 2^23: leaves no bits for a fraction, and the integer in the lowest */
    const vf shift = vf_set(12582912.0f);
    const vu a = (vu)vf_fma(low, low_inverse, shift);
    const vu b = (vu)vf_fma(high, high_inverse, shift);
    return (vi)((a & 0xffff) | (b << 16));
}

/* Codes of `count` neighbours, zero up to `padded` (even); returns their scale. */
LT_INLINE float round_to_int16(int16_t *to, const void *x, lt_dtype type, int64_t count,
                               int64_t padded, float limit)
{
    vi most = {0};
    for (int64_t i = 0; i < count; i += PAIR_LANES) {
        const pairs p = load_pairs(x, type, i, count - i);
        most = larger_bits(larger_bits(most, p.even), p.odd);
    }
    const float largest = largest_lane(most);
    /* as inverse_of, sooner done */
    const vf inverse = vf_set(largest > SMALLEST && largest < INFINITY ? limit / largest : 0);
    for (int64_t i = 0; i < padded; i += PAIR_LANES) {
        const pairs p = load_pairs(x, type, i, count > i ? count - i : 0);
        const vi codes = pair_codes(p.even, p.odd, inverse, inverse);
        memcpy(to + i, &codes,
               (size_t)(padded - i < PAIR_LANES ? padded - i : PAIR_LANES) * sizeof *to);
    }
    return largest / limit;
}

/* Scales and codes of LT_LANES columns: rows[r][k], r < count, k < depth; zero beyond, up to
 * `pairs` pairs. Lines of codes are `line` pairs apart. Squares of columns x pairs are transposed.
 * The rows behind them, which often come next, are fetched. */
LT_INLINE void pack_int16_columns(float *scale, int16_t *code, int64_t line, const char *rows,
                                  lt_dtype type, int64_t row_bytes, int64_t count, int64_t depth,
                                  int64_t n_pairs, float limit)
{
    vf most[LT_LANES];
    for (int64_t r = 0; r < LT_LANES; r++) {
        vi row = {0};
        for (int64_t k = 0; r < count && k < depth; k += PAIR_LANES) {
            const pairs p = load_pairs(rows + r * row_bytes, type, k, depth - k);
            __builtin_prefetch(rows + (r + LT_LANES) * row_bytes + k * vf_element_bytes(type));
            row = larger_bits(larger_bits(row, p.even), p.odd);
        }
        most[r] = (vf)row;
    }
    vf_transpose(most);
    vi largest = {0};
    for (int r = 0; r < LT_LANES; r++)
        largest = larger_of(largest, (vi)most[r]);
    const vf inverse = inverse_of((vf)largest, limit);
    vf_store(scale, (vf)largest * (1 / limit));
    for (int64_t q = 0; q < n_pairs; q += LT_LANES) {
        vf square[LT_LANES];
        for (int64_t r = 0; r < LT_LANES; r++) {
            square[r] = vf_set(0);
            if (r < count && 2 * q < depth) {
                const pairs p = load_pairs(rows + r * row_bytes, type, 2 * q, depth - 2 * q);
                square[r] = (vf)pair_codes(p.even, p.odd, vf_set(inverse[r]), vf_set(inverse[r]));
            }
        }
        vf_transpose(square);
        for (int64_t i = 0; i < LT_LANES && q + i < n_pairs; i++)
            memcpy(code + (q + i) * line * 2, &square[i], sizeof square[i]);
    }
}

/* ---- the product of a tile ---- */

LT_INLINE void pack_int16_of(int16_right *panel, const char *rows, lt_dtype type, int64_t stride,
                             int64_t count, int64_t depth)
{
    const int64_t row_bytes = stride * vf_element_bytes(type);
    for (int64_t k = 0; k < depth; k += INT16_UNIT, panel++)
        for (int64_t first = 0; first < INT16_COLUMNS; first += LT_LANES)
            pack_int16_columns(panel->scale + first, panel->code[0][first], INT16_COLUMNS,
                               rows + first * row_bytes + k * vf_element_bytes(type), type,
                               row_bytes, count - first,
                               depth - k < INT16_UNIT ? depth - k : INT16_UNIT, INT16_PAIRS,
                               int16_limit(INT16_UNIT));
}

static void pack_int16(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                       int64_t depth)
{
    switch (type) {
    case LT_BF16:
        pack_int16_of(panel, rows, LT_BF16, stride, count, depth);
        break;
    case LT_F16:
        pack_int16_of(panel, rows, LT_F16, stride, count, depth);
        break;
    case LT_I8:
        pack_int16_of(panel, rows, LT_I8, stride, count, depth);
        break;
    default:
        pack_int16_of(panel, rows, LT_F32, stride, count, depth);
    }
}

LT_INLINE void load_int16_of(int16_left *left, const char *x, lt_dtype type, int64_t count)
{
    for (int64_t k = 0; k < count; k += INT16_UNIT, left++)
        left->scale = round_to_int16(left->code, x + k * vf_element_bytes(type), type,
                                     count - k < INT16_UNIT ? count - k : INT16_UNIT, INT16_UNIT,
                                     int16_limit(INT16_UNIT));
}

static void load_int16(void *left, const void *x, lt_dtype type, int64_t count)
{
    if (type == LT_BF16)
        load_int16_of(left, x, LT_BF16, count);
    else
        load_int16_of(left, x, LT_F32, count);
}

/* sum += pairs of left[r * stride ..] . lines, over n_pairs >= 1. */
LT_INLINE void multiply_pairs(vi sum[INT16_ROWS][2], const int16_t *left, int64_t stride,
                              const int16_t *lines, int64_t n_pairs)
{
    multiply_lines(sum, left, stride * (int64_t)sizeof *left, lines, n_pairs, add_int16);
}

static void multiply_int16(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                           const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    (void)stretches;
    const int16_t *x = left;
    const int16_right *w = panel;
    for (int64_t k = 0; k < stretch->run;
         k += INT16_UNIT, w++, x += sizeof(int16_left) / sizeof *x, first = false) {
        vi sum[INT16_ROWS][2] = {{{0}}};
        multiply_pairs(sum, x, left_stride, w->code[0][0], INT16_PAIRS);
        LT_UNROLL
        for (int r = 0; r < INT16_ROWS; r++)
            add_int8_sums(c + r * c_stride, sum[r],
                          ((const int16_left *)(const void *)(x + r * left_stride))->scale,
                          w->scale, first);
    }
}

/* clang-format off */
#define LT_INT16_PRODUCT                                                                           \
    {.type = LT_U16, .rows = INT16_ROWS, .columns = INT16_COLUMNS, .step = INT16_UNIT, .depth = INT16_DEPTH, \
     .unit = INT16_UNIT, .unit_head = offsetof(int16_right, code),                                 \
     .left_pitch = INT16_DEPTH / INT16_UNIT * sizeof(int16_left),                                  \
     .pack = pack_int16, .load = load_int16, .multiply = multiply_int16}
/* clang-format on */

#endif
