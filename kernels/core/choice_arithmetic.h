/* choice_arithmetic.h - the numbers that decide which token is chosen, from additions and products
 * alone.
 *
 * Libraries round exponentials and logarithms differently, and sums of floats depend on their
 * order. Here both are what IEEE arithmetic makes of these lines, and sums are those of integers:
 * every device gets the same bytes, however many threads it adds with. Sources that include this
 * are compiled without fused multiply-adds. C11, C++17 and CUDA.
 */
#ifndef LT_CHOICE_ARITHMETIC_H
#define LT_CHOICE_ARITHMETIC_H

#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define LT_ON_ALL_DEVICES static __host__ __device__ inline
#else
#define LT_ON_ALL_DEVICES static inline
#endif

/* e^x for x <= 0 (or -inf): in double within 1e-11, rounded once to f32. */
LT_ON_ALL_DEVICES float lt_choice_exp(float x)
{
    if (!(x > -104.0f)) /* less than half of the smallest f32 */
        return 0;
    const double halvings = (double)x * 1.4426950408889634; /* 1 / ln 2 */
    const int power = (int)(halvings - 0.5);                /* the nearest integer */
    const double r = (halvings - power) * 0.6931471805599453;
    double sum = 1.0 / 362880; /* Taylor, |r| <= ln 2 / 2 */
    sum = sum * r + 1.0 / 40320;
    sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 0.5;
    sum = sum * r + 1;
    sum = sum * r + 1;
    const uint64_t bits = (uint64_t)(power + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return (float)(sum * scale);
}

/* -log(x) for a positive normal f32 x <= 1: in double within 1e-11, rounded once. */
LT_ON_ALL_DEVICES float lt_choice_minus_log(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int power = (int)(bits >> 23) - 127;
    bits = (bits & 0x7fffffu) | 0x3f800000u;
    float mantissa; /* 1 .. 2 */
    memcpy(&mantissa, &bits, sizeof mantissa);
    if (mantissa > 1.41421356f) {
        mantissa *= 0.5f;
        power++;
    }
    const double m = (double)mantissa;
    const double s = (m - 1) / (m + 1); /* log m = 2 (s + s^3 / 3 + s^5 / 5 ...), |s| <= 0.172 */
    const double z = s * s;
    double sum = 1.0 / 13;
    sum = sum * z + 1.0 / 11;
    sum = sum * z + 1.0 / 9;
    sum = sum * z + 1.0 / 7;
    sum = sum * z + 1.0 / 5;
    sum = sum * z + 1.0 / 3;
    sum = sum * z + 1;
    return (float)-(power * 0.6931471805599453 + 2 * s * sum);
}

/* An exponential number from a uniform one; CUDA's log(1) must not give 0, so
 * the release takes an epsilon. */
LT_ON_ALL_DEVICES float lt_choice_exponential(float uniform)
{
    const float epsilon = 0x1p-24f;
    return uniform >= 1.0f - epsilon ? epsilon : lt_choice_minus_log(uniform);
}

/* A probability, or what becomes one, in units of 2^-40: a sum of any 2^23 of
 * them has one value. 0 <= p <= 1. */
LT_ON_ALL_DEVICES uint64_t lt_choice_mass(float p)
{
    return (uint64_t)(int64_t)(p * 0x1p40f);
}

LT_ON_ALL_DEVICES float lt_choice_sum(uint64_t mass)
{
    return (float)(int64_t)mass * 0x1p-40f;
}

#endif
