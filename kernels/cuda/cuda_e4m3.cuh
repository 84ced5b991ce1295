/* cuda_e4m3.cuh - floats of 8 bits: 4 of exponent, 3 of mantissa, no infinity; 448 is the largest.
 *
 * Rounded to the nearest, halves to even, larger numbers to 448, NaN to NaN: by an instruction from sm_89 on, elsewhere by
 * whole-number arithmetic that gives the same bits.
 */
#ifndef LT_CUDA_E4M3_CUH
#define LT_CUDA_E4M3_CUH

#include "kernels/cuda/cuda_device.cuh"

static const float lt_largest_e4m3 = 448.0f;

/* What one code is worth, so that the largest of all values is the largest code. Values of zero divide by the least. */
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

/* Eight values times `factor`. */
static __device__ __forceinline__ lt_pack<uint8_t, 8> lt_e4m3_pack(const float (&x)[8], float factor)
{
    lt_pack<uint8_t, 8> codes;
#pragma unroll
    for (int i = 0; i < 8; i += 2) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
        uint16_t pair;
        asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(x[i + 1] * factor), "f"(x[i] * factor));
        codes.at[i] = (uint8_t)pair;
        codes.at[i + 1] = (uint8_t)(pair >> 8);
#else
        codes.at[i] = lt_e4m3_of(x[i] * factor);
        codes.at[i + 1] = lt_e4m3_of(x[i + 1] * factor);
#endif
    }
    return codes;
}

static __device__ __forceinline__ float lt_e4m3_value(uint8_t code)
{
    const float size = __uint_as_float((code & 0x7fu) << 20) * 0x1p120f; /* exponents count from -7 here, from -127 in f32 */
    const float value = (code & 0x7fu) == 0x7fu ? NAN : size;
    return code & 0x80u ? -value : value;
}

#endif
