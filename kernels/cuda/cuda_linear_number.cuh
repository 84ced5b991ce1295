/* cuda_linear_number.cuh - a stored value of a weight as float: f32, bf16, or i8 without its scale. */
#ifndef LT_CUDA_LINEAR_NUMBER_CUH
#define LT_CUDA_LINEAR_NUMBER_CUH

#include "kernels/cuda/cuda_device.cuh"

__device__ __forceinline__ float lt_number(int8_t x)
{
    return (float)x;
}

template <typename T> __device__ __forceinline__ float lt_number(T x)
{
    return lt_to_float(x);
}

#endif
