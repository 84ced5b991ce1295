/* cuda_bf16.h - bf16 for the host build: the upper half of an f32,
 * rounded to nearest even. Test-only. */
#ifndef HOST_CUDA_BF16_H
#define HOST_CUDA_BF16_H

#include "cuda_runtime.h"

extern "C" {
float lt_bf16_to_f32(uint16_t bits);
uint16_t lt_f32_to_bf16(float x);
}

struct alignas(2) __nv_bfloat16 {
    unsigned short bits;
};

struct alignas(4) __nv_bfloat162 {
    __nv_bfloat16 x, y;
};

inline float __bfloat162float(__nv_bfloat16 x)
{
    return lt_bf16_to_f32(x.bits);
}

inline __nv_bfloat16 __float2bfloat16_rn(float x)
{
    return {lt_f32_to_bf16(x)};
}

inline __nv_bfloat16 __float2bfloat16(float x)
{
    return {lt_f32_to_bf16(x)};
}

inline float2 __bfloat1622float2(__nv_bfloat162 x)
{
    return {__bfloat162float(x.x), __bfloat162float(x.y)};
}

inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y)
{
    return {__float2bfloat16_rn(x), __float2bfloat16_rn(y)};
}

#endif
