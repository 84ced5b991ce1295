/* int8_rounding.h - floats as integers of 8 bits with one scale for a unit of neighbours:
 *
 *     scale = largest |x| / 127        code = x / scale, to the nearest, ties to even: -127 .. 127
 *
 * |code scale - x| is half a step at most, largest / 254. A unit with a NaN or an infinity has it as its scale, so that no sum
 * with it is finite.
 */
#ifndef LT_INT8_ROUNDING_H
#define LT_INT8_ROUNDING_H

#include "kernels/cpu/vec.h"

typedef struct {
    float scale;
    float inverse; /* 0 where its scale is no number to divide by: the codes are then 0, or mean nothing beside that scale */
} int8_unit;

/* Largest |x| of `count` elements from x[first] on (f32 or bf16). Compared as integers, where NaN is larger than infinity. */
LT_INLINE float largest_of(const void *x, lt_dtype type, int64_t first, int64_t count)
{
    vi most = {0};
    FOR_VECTORS (i, some, count) {
        const vi bits = (vi)vf_abs(vf_load_some(x, type, first + i, some));
        most = (vi)vf_choose(bits > most, (vf)bits, (vf)most);
    }
    int32_t lane[LT_LANES];
    memcpy(lane, &most, sizeof lane);
    for (int half = LT_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
    float largest;
    memcpy(&largest, lane, sizeof largest);
    return largest;
}

LT_INLINE int8_unit int8_unit_of(const void *x, lt_dtype type, int64_t first, int64_t count)
{
    const float smallest = 0x1p-120f; /* 127 / largest must not overflow */
    const float largest = largest_of(x, type, first, count);
    return (int8_unit){.scale = largest / 127, .inverse = largest > smallest ? 127 / largest : 0};
}

/* Codes of LT_LANES numbers in the low bits of each lane. */
LT_INLINE vi int8_codes(vf x, int8_unit unit)
{
    const vf shift = vf_set(12582912.0f); /* 1.5 * 2^23: leaves no bits for a fraction, and the integer in the lowest */
    return (vi)((vu)(x * unit.inverse + shift) - (vu)shift);
}

LT_INLINE void store_int8_codes(int8_t *to, vi codes, int64_t some)
{
    const vb bytes = __builtin_convertvector(__builtin_convertvector(codes, vh), vb);
    if (some == LT_LANES)
        memcpy(to, &bytes, sizeof bytes);
    else
        memcpy(to, &bytes, (size_t)some);
}

/* Codes of `count` elements from x[first] on. */
LT_INLINE void round_to_int8(int8_t *to, const void *x, lt_dtype type, int64_t first, int64_t count, int8_unit unit)
{
    FOR_VECTORS (i, some, count)
        store_int8_codes(to + i, int8_codes(vf_load_some(x, type, first + i, some), unit), some);
}

LT_INLINE float round_unit_of(int8_t *to, int64_t length, const void *x, lt_dtype type, int64_t first, int64_t count)
{
    const int8_unit unit = int8_unit_of(x, type, first, count);
    round_to_int8(to, x, type, first, count, unit);
    memset(to + count, 0, (size_t)(length - count));
    return unit.scale;
}

/* Codes of a unit, the `count` elements from x[first] on, and zeros behind them up to `length`; returns its scale. */
LT_INLINE float round_unit(int8_t *to, int64_t length, const void *x, lt_dtype type, int64_t first, int64_t count)
{
    return type == LT_BF16 ? round_unit_of(to, length, x, LT_BF16, first, count)
                           : round_unit_of(to, length, x, LT_F32, first, count);
}

#endif
