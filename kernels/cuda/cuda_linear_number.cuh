/* cuda_linear_number.cuh - stored values of a weight as floats: f32, bf16, i8 without its scale,
 * and blocks of 32 integers with an f16 scale each (kernels/core/weight.h): q8, or q4 where the low
 * halves of a block's 16 bytes are its first 16 elements. */
#ifndef LT_CUDA_LINEAR_NUMBER_CUH
#define LT_CUDA_LINEAR_NUMBER_CUH

#include <cuda_fp16.h>

#include "kernels/cuda/cuda_device.cuh"

/* Only names of what memory holds. */
struct lt_q8 {
    int8_t number;
};

struct lt_q4 {
    uint8_t pair;
};

/* Values in 16 bytes. */
template <typename W> inline constexpr int lt_weights_in_16 = 16 / (int)sizeof(W);
template <> inline constexpr int lt_weights_in_16<lt_q4> = LT_BLOCK;

template <typename W> inline constexpr bool lt_in_blocks = false;
template <> inline constexpr bool lt_in_blocks<lt_q8> = true;
template <> inline constexpr bool lt_in_blocks<lt_q4> = true;

__device__ __forceinline__ float lt_number(int8_t x)
{
    return (float)x;
}

template <typename T> __device__ __forceinline__ float lt_number(T x)
{
    return lt_to_float(x);
}

/* N neighbours, in loads of up to 16 bytes. */
template <typename T, int N>
__device__ __forceinline__ void lt_load_numbers(float (&to)[N], const T *from)
{
    constexpr int M = N * (int)sizeof(T) <= 16 ? N : lt_pack_size<T>;
#pragma unroll
    for (int i = 0; i < N; i += M) {
        const lt_pack<T, M> p = lt_load<T, M>(from + i);
#pragma unroll
        for (int j = 0; j < M; j++)
            to[i + j] = lt_number(p.at[j]);
    }
}

/* The values from element `at` of a weight on, scales of blocks multiplied in; of q8 half a block,
 * of q4 a whole one. */
template <int N>
__device__ __forceinline__ void lt_load_weights(float (&to)[N], const lt_q8 *w, const void *scale,
                                                int64_t at)
{
    const float factor = __half2float(((const __half *)scale)[at / LT_BLOCK]);
    lt_load_numbers<int8_t, N>(to, (const int8_t *)w + at);
#pragma unroll
    for (int i = 0; i < N; i++)
        to[i] *= factor;
}

template <int N>
__device__ __forceinline__ void lt_load_weights(float (&to)[N], const lt_q4 *w, const void *scale,
                                                int64_t at)
{
    static_assert(N == LT_BLOCK, "q4 is read in whole blocks");
    const float factor = __half2float(((const __half *)scale)[at / LT_BLOCK]);
    const lt_pack<uint8_t, N / 2> pairs = lt_load<uint8_t, N / 2>((const uint8_t *)w + at / 2);
#pragma unroll
    for (int i = 0; i < N / 2; i++) {
        to[i] = (float)((int)(pairs.at[i] & 15) - 8) * factor;
        to[i + N / 2] = (float)((int)(pairs.at[i] >> 4) - 8) * factor;
    }
}

template <int N, typename W>
__device__ __forceinline__ void lt_load_weights(float (&to)[N], const W *w, const void *,
                                                int64_t at)
{
    lt_load_numbers<W, N>(to, w + at);
}

#endif
