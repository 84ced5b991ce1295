/* cuda_e4m3.cuh - floats of 8 bits: 4 of exponent, 3 of mantissa, no infinity; 448 is the largest.
 *
 * Rounded to the nearest, halves to even, larger numbers to 448, NaN to NaN: by an instruction from
 * sm_89 on, elsewhere by whole-number arithmetic that gives the same bits.
 */
#ifndef LT_CUDA_E4M3_CUH
#define LT_CUDA_E4M3_CUH

#include "kernels/cuda/cuda_device.cuh"

static const float lt_largest_e4m3 = 448.0f;

/* What one code is worth, so that the largest of all values is the largest code. Values of zero
 * divide by the least. */
static __device__ __forceinline__ float lt_e4m3_unit(float largest)
{
    return fmaxf(largest / lt_largest_e4m3, 1e-30f);
}

static __device__ __forceinline__ uint8_t lt_e4m3_of(float x)
{
    const uint32_t sign = __float_as_uint(x) >> 24 & 0x80u;
    const float size = fabsf(x);
    if (isnan(x))
        return (uint8_t)(sign | 0x7fu);
    if (size < 0.015625f) /* 2^-6: below, steps of 2^-9; eight of them are the code of 2^-6 */
        return (uint8_t)(sign | (uint32_t)rintf(size * 512.0f));
    const uint32_t bits = __float_as_uint(fminf(size, lt_largest_e4m3));
    return (uint8_t)(sign | (((bits + 0x7ffffu + (bits >> 20 & 1u)) >> 20) - ((127u - 7u) << 3)));
}

/* Two codes, `low` in the lower byte. */
static __device__ __forceinline__ uint16_t lt_e4m3_pair(float low, float high)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
    uint16_t pair;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(high), "f"(low));
    return pair;
#else
    return (uint16_t)(lt_e4m3_of(low) | lt_e4m3_of(high) << 8);
#endif
}

/* Four, a in the lowest byte. */
static __device__ __forceinline__ uint32_t lt_e4m3_four(float a, float b, float c, float d)
{
    return (uint32_t)lt_e4m3_pair(a, b) | (uint32_t)lt_e4m3_pair(c, d) << 16;
}

/* Eight values times `factor`. */
static __device__ __forceinline__ lt_pack<uint8_t, 8> lt_e4m3_pack(const float (&x)[8],
                                                                   float factor)
{
    lt_pack<uint8_t, 8> codes;
#pragma unroll
    for (int i = 0; i < 8; i += 2) {
        const uint16_t pair = lt_e4m3_pair(x[i] * factor, x[i + 1] * factor);
        codes.at[i] = (uint8_t)pair;
        codes.at[i + 1] = (uint8_t)(pair >> 8);
    }
    return codes;
}

#endif
