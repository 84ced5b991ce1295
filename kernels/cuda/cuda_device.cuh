/* cuda_device.cuh - what every kernel is written with: element types, 16-byte packs, sums over a
 * warp or a block, activations, and the one way to launch. C++17, for nvcc and for the host build
 * of tests/cuda. */
#ifndef LT_CUDA_DEVICE_CUH
#define LT_CUDA_DEVICE_CUH

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "kernels/cuda/cuda_backend.h"

typedef __nv_bfloat16 lt_bf16;

/* ---- elements ---- */

__device__ __forceinline__ float lt_to_float(float x)
{
    return x;
}

__device__ __forceinline__ float lt_to_float(lt_bf16 x)
{
    return __bfloat162float(x);
}

template <typename T> __device__ __forceinline__ T lt_from_float(float x);

template <> __device__ __forceinline__ float lt_from_float<float>(float x)
{
    return x;
}

template <> __device__ __forceinline__ lt_bf16 lt_from_float<lt_bf16>(float x)
{
    return __float2bfloat16_rn(x);
}

/* N neighbours that are loaded and stored at once; memory aligned to their size. */
template <typename T, int N> struct alignas(sizeof(T) * N) lt_pack {
    T at[N];
};

/* Elements of T in 16 bytes. */
template <typename T> inline constexpr int lt_pack_size = 16 / (int)sizeof(T);

template <typename T, int N> __device__ __forceinline__ lt_pack<T, N> lt_load(const T *from)
{
    return *reinterpret_cast<const lt_pack<T, N> *>(from);
}

template <typename T, int N> __device__ __forceinline__ void lt_store(T *to, const lt_pack<T, N> &p)
{
    *reinterpret_cast<lt_pack<T, N> *>(to) = p;
}

/* The same as floats. */
template <typename T, int N>
__device__ __forceinline__ void lt_load_floats(const T *from, float (&x)[N])
{
    const lt_pack<T, N> p = lt_load<T, N>(from);
#pragma unroll
    for (int i = 0; i < N; i++)
        x[i] = lt_to_float(p.at[i]);
}

template <typename T, int N>
__device__ __forceinline__ void lt_store_floats(T *to, const float (&x)[N])
{
    lt_pack<T, N> p;
#pragma unroll
    for (int i = 0; i < N; i++)
        p.at[i] = lt_from_float<T>(x[i]);
    lt_store<T, N>(to, p);
}

/* ---- sums ---- */

enum { LT_WARP = 32 };

/* Over the 32 lanes of a warp, all of them active; every lane gets the same bits. */
template <typename T> __device__ __forceinline__ T lt_warp_sum(T x)
{
    for (int distance = LT_WARP / 2; distance > 0; distance /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, distance);
    return x;
}

__device__ __forceinline__ float lt_warp_max(float x)
{
    for (int distance = LT_WARP / 2; distance > 0; distance /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, distance));
    return x;
}

/* Over the threads of a one-dimensional block of THREADS (a multiple of 32); all threads call it
 * and get the same bits. */
template <int THREADS> __device__ __forceinline__ float lt_block_sum(float x)
{
    if (THREADS == LT_WARP)
        return lt_warp_sum(x);
    __shared__ float part[THREADS / LT_WARP];
    x = lt_warp_sum(x);
    __syncthreads(); /* whoever still reads the parts of an earlier sum */
    if (threadIdx.x % LT_WARP == 0)
        part[threadIdx.x / LT_WARP] = x;
    __syncthreads();
    float sum = 0;
    for (int i = 0; i < THREADS / LT_WARP; i++)
        sum += part[i];
    return sum;
}

/* ---- activations ---- */

template <lt_act ACT> __device__ __forceinline__ float lt_activated(float x)
{
    if (ACT == LT_ACT_GELU_ERF)
        return 0.5f * x * (1.0f + erff(x * 0.70710678118654752440f));
    if (ACT == LT_ACT_GELU_TANH)
        return 0.5f * x * (1.0f + tanhf(0.79788456080286535588f * (x + 0.044715f * x * x * x)));
    if (ACT == LT_ACT_SILU)
        return x / (1.0f + expf(-x));
    if (ACT == LT_ACT_TANH)
        return tanhf(x);
    return x;
}

template <lt_act ACT, int N> __device__ __forceinline__ void lt_activate_with(float (&x)[N])
{
#pragma unroll
    for (int i = 0; i < N; i++)
        x[i] = lt_activated<ACT>(x[i]);
}

/* Chosen while running: one branch that a whole launch takes alike. */
template <int N> __device__ __forceinline__ void lt_activate_all(float (&x)[N], lt_act act)
{
    switch (act) {
    case LT_ACT_GELU_ERF:
        lt_activate_with<LT_ACT_GELU_ERF>(x);
        break;
    case LT_ACT_GELU_TANH:
        lt_activate_with<LT_ACT_GELU_TANH>(x);
        break;
    case LT_ACT_SILU:
        lt_activate_with<LT_ACT_SILU>(x);
        break;
    case LT_ACT_TANH:
        lt_activate_with<LT_ACT_TANH>(x);
        break;
    case LT_ACT_NONE:
        break;
    }
}

__device__ __forceinline__ float lt_activate(float x, lt_act act)
{
    float one[1] = {x};
    lt_activate_all(one, act);
    return one[0];
}

/* ---- launching ---- */

/* Queues `kernel` on the backend's stream. An empty grid is nothing to do. `shared_bytes` may
 * exceed what a block has by default. Arguments are converted to the kernel's parameters. */
template <typename... P, typename... A>
static inline lt_status lt_cuda_launch_with(lt_cuda *c, const char *place, lt_error *err, dim3 grid,
                                            dim3 block, size_t shared_bytes, bool early,
                                            void (*kernel)(P...), A... arguments)
{
    if (grid.x == 0 || grid.y == 0 || grid.z == 0)
        return LT_OK;
    if (shared_bytes > (size_t)LT_CUDA_SHARED_DEFAULT)
        LT_CUDA_TRY(cudaFuncSetAttribute((const void *)kernel,
                                         cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         (int)shared_bytes),
                    place, err);
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = c->stream;
    config.attrs = &attribute;
    const bool may =
        c->waits_itself && (!c->recording || c->facts.driver >= LT_CUDA_EARLY_RECORDED);
    config.numAttrs = early && may ? 1 : 0;
    return lt_cuda_check(cudaLaunchKernelEx(&config, kernel, static_cast<P>(arguments)...), place,
                         err);
}

template <typename... P, typename... A>
static inline lt_status lt_cuda_launch(lt_cuda *c, const char *place, lt_error *err, dim3 grid,
                                       dim3 block, size_t shared_bytes, void (*kernel)(P...),
                                       A... arguments)
{
    return lt_cuda_launch_with(c, place, err, grid, block, shared_bytes, false, kernel,
                               arguments...);
}

/* The same for a kernel that begins with lt_after_earlier(): its blocks may be put in place while
 * the kernel before it ends, which hides the time of a launch between the short kernels of a
 * step. */
template <typename... P, typename... A>
static inline lt_status lt_cuda_launch_early(lt_cuda *c, const char *place, lt_error *err,
                                             dim3 grid, dim3 block, size_t shared_bytes,
                                             void (*kernel)(P...), A... arguments)
{
    return lt_cuda_launch_with(c, place, err, grid, block, shared_bytes, true, kernel,
                               arguments...);
}

/* Waits until everything that was queued earlier is done and its memory can be read, then lets the
 * next kernel be put in place. Code for an older architecture than LT_CUDA_EARLY_OLDEST cannot
 * wait, on a newer card no more than on its own, so it is not launched early. Nothing that a kernel
 * of the stream writes may be touched before, but by one that a kernel without lt_after_earlier()
 * lies behind: no kernel overtakes that one, nor a copy. */
__device__ __forceinline__ void lt_after_earlier()
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    cudaGridDependencySynchronize();
    cudaTriggerProgrammaticLaunchCompletion();
#endif
}

/* Asks the L2 cache for the 128 bytes around an address. A hint: nothing is read, so it may come
 * before lt_after_earlier(). */
__device__ __forceinline__ void lt_ask_cache(const void *address)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
#else
    (void)address;
#endif
}

/* Blocks of a kernel that walks `count` items in strides of its grid, one item a thread: all at
 * once while they are few, then as many as keep every multiprocessor busy. */
static inline unsigned lt_cuda_blocks_for(const lt_cuda *c, int64_t count, int threads)
{
    const int64_t wanted = lt_cuda_ceil_div(count, threads);
    const int64_t most = (int64_t)c->facts.multiprocessors * 16;
    return (unsigned)(wanted < most ? wanted : most);
}

/* This thread's first item, and the distance to its next, of a grid in one dimension. */
__device__ __forceinline__ int64_t lt_first_item()
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ __forceinline__ int64_t lt_item_step()
{
    return (int64_t)gridDim.x * blockDim.x;
}

/* True when packs of `bytes` may be moved from every row: base and row
 * strides (elements) fall on them. */
static inline bool lt_cuda_aligned(const lt_tensor *t, size_t bytes)
{
    const size_t element = lt_dtype_bytes(t->dtype);
    bool aligned = (uintptr_t)t->data % bytes == 0;
    for (int i = 0; i + 1 < t->rank; i++)
        aligned =
            aligned &&
            (t->dim[i] == 1 ||
             (size_t)(t->stride[i] < 0 ? -t->stride[i] : t->stride[i]) * element % bytes == 0);
    return aligned;
}

#endif
