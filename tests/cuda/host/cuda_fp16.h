/* cuda_fp16.h - f16 for the host build. Test-only. */
#ifndef HOST_CUDA_FP16_H
#define HOST_CUDA_FP16_H

#include "cuda_runtime.h"

extern "C" {
float lt_f16_to_f32(uint16_t bits);
uint16_t lt_f32_to_f16(float x);
}

struct alignas(2) __half {
    unsigned short bits;
};

inline float __half2float(__half x)
{
    return lt_f16_to_f32(x.bits);
}

inline __half __float2half_rn(float x)
{
    return {lt_f32_to_f16(x)};
}

#endif
