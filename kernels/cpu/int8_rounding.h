/* int8_rounding.h - floats as integers of 8 bits with one scale for a unit of neighbours:
 *
 *     scale = largest |x| / 127        code = x / scale, to the nearest, ties to even: -127 .. 127
 *
 * |code scale - x| is half a step at most, largest / 254. A unit with a NaN or an infinity has it
 * as its scale, so that no sum with it is finite.
 */
#ifndef LT_INT8_ROUNDING_H
#define LT_INT8_ROUNDING_H

#include "kernels/cpu/vec.h"

typedef struct {
    float scale;
    float inverse; /* 0 where its scale is no number to divide by: the codes are then 0, or mean
                      nothing beside that scale */
} int8_unit;

/* |x| is compared as integers, where NaN is larger than infinity. */
LT_INLINE vi larger_of(vi a, vi b)
{
#if LT_INTRINSIC_LANES == 16
    return (vi)_mm512_max_epi32((__m512i)a, (__m512i)b);
#else
    return (vi)vf_choose(a > b, (vf)a, (vf)b);
#endif
}

LT_INLINE vi larger_bits(vi most, vf x)
{
    return larger_of(most, (vi)vf_abs(x));
}

LT_INLINE float largest_lane(vi most)
{
    int32_t lane[LT_LANES];
    memcpy(lane, &most, sizeof lane);
#if LT_INTRINSIC_LANES == 16
    lane[0] = _mm512_reduce_max_epi32((__m512i)most);
#else
    for (int i = 1; i < LT_LANES; i++)
        lane[0] = lane[i] > lane[0] ? lane[i] : lane[0];
#endif
    float largest;
    memcpy(&largest, lane, sizeof largest);
    return largest;
}

/* Largest |x| of `count` elements from x[first] on. */
LT_INLINE float largest_of(const void *x, lt_dtype type, int64_t first, int64_t count)
{
    vi most = {0};
    FOR_VECTORS (i, some, count)
        most = larger_bits(most, vf_load_some(x, type, first + i, some));
    return largest_lane(most);
}

LT_INLINE int8_unit int8_unit_of(const void *x, lt_dtype type, int64_t first, int64_t count)
{
    const float smallest = 0x1p-120f; /* 127 / largest must not overflow */
    const float largest = largest_of(x, type, first, count);
    return (int8_unit){.scale = largest / 127, .inverse = largest > smallest ? 127 / largest : 0};
}

/* The nearest integers, of 8 bits, of `some` numbers. */
LT_INLINE void store_int8_codes(int8_t *to, vf x, int64_t some)
{
    /* 1.5 * 2^23: leaves no bits for a fraction, and the integer in the lowest byte */
    const vi codes = (vi)(x + 12582912.0f);
#if LT_INTRINSIC_LANES == 16
    const vb bytes = (vb)_mm512_cvtepi32_epi8((__m512i)codes);
#else
    const vb bytes = __builtin_convertvector(__builtin_convertvector(codes, vh), vb);
#endif
    if (some == LT_LANES)
        memcpy(to, &bytes, sizeof bytes);
    else
        memcpy(to, &bytes, (size_t)some);
}

/* Codes of `count` elements from x[first] on. */
LT_INLINE void round_to_int8(int8_t *to, const void *x, lt_dtype type, int64_t first, int64_t count,
                             int8_unit unit)
{
    FOR_VECTORS (i, some, count)
        store_int8_codes(to + i, vf_load_some(x, type, first + i, some) * unit.inverse, some);
}

LT_INLINE float round_unit_of(int8_t *to, int64_t length, const void *x, lt_dtype type,
                              int64_t first, int64_t count)
{
    const int8_unit unit = int8_unit_of(x, type, first, count);
    round_to_int8(to, x, type, first, count, unit);
    memset(to + count, 0, (size_t)(length - count));
    return unit.scale;
}

/* Codes of a unit, the `count` elements from x[first] on, and zeros behind them up to `length`;
 * returns its scale. */
LT_INLINE float round_unit(int8_t *to, int64_t length, const void *x, lt_dtype type, int64_t first,
                           int64_t count)
{
    switch (type) {
    case LT_BF16:
        return round_unit_of(to, length, x, LT_BF16, first, count);
    case LT_F16:
        return round_unit_of(to, length, x, LT_F16, first, count);
    default:
        return round_unit_of(to, length, x, LT_F32, first, count);
    }
}

#endif
