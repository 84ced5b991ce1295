/* cuda_philox.cuh - kernels/core/philox.h on the device: Philox4x32-10 and its uniforms. */
#ifndef LT_CUDA_PHILOX_CUH
#define LT_CUDA_PHILOX_CUH

#include "kernels/cuda/cuda_device.cuh"

static __device__ __forceinline__ lt_philox4 lt_cuda_philox(lt_philox4 counter, uint64_t key)
{
    uint32_t k0 = (uint32_t)key;
    uint32_t k1 = (uint32_t)(key >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * counter.word[0];
        const uint64_t b = (uint64_t)0xCD9E8D57u * counter.word[2];
        counter = {{(uint32_t)(b >> 32) ^ counter.word[1] ^ k0, (uint32_t)b,
                    (uint32_t)(a >> 32) ^ counter.word[3] ^ k1, (uint32_t)a}};
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return counter;
}

/* In (0, 1]; the product is exact, so a fused multiply-add gives the same. */
static __device__ __forceinline__ float lt_cuda_uniform(uint32_t x)
{
    return (float)x * 0x1p-32f + 0x1p-33f;
}

#endif
