/* cuda_runtime.h - the CUDA language for the host's compiler: keywords, vector types, built-in
 * variables, barriers, shuffles, launches. Test-only, see cuda_runtime_api.h.
 *
 * A block runs on one OS thread, its threads as fibres that change at barriers and shuffles only;
 * blocks follow each other. Host threads that use a device take turns, call by call.
 * A barrier that not every thread of the block reaches, or a shuffle that a lane of its mask
 * misses, ends the test with a message.
 */
#ifndef HOST_CUDA_RUNTIME_H
#define HOST_CUDA_RUNTIME_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <functional>
#include <mutex>
#include <tuple>

#include "cuda_runtime_api.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__    __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __shared__   thread_local /* all threads of a block live on one OS thread */
#define __constant__ static
#define __grid_constant__

/* ---- types ---- */

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};

#define HOST_VECTORS(type, name)                                                                   \
    struct alignas(2 * sizeof(type)) name##2                                                       \
    {                                                                                              \
        type x, y;                                                                                 \
    };                                                                                             \
    struct alignas(4 * sizeof(type) < 16 ? 4 * sizeof(type) : 16) name##4                          \
    {                                                                                              \
        type x, y, z, w;                                                                           \
    };                                                                                             \
    inline name##2 make_##name##2(type x, type y)                                                  \
    {                                                                                              \
        return {x, y};                                                                             \
    }                                                                                              \
    inline name##4 make_##name##4(type x, type y, type z, type w)                                  \
    {                                                                                              \
        return {x, y, z, w};                                                                       \
    }
HOST_VECTORS(signed char, char)
HOST_VECTORS(unsigned char, uchar)
HOST_VECTORS(int, int)
HOST_VECTORS(unsigned, uint)
HOST_VECTORS(float, float)
HOST_VECTORS(double, double)
#undef HOST_VECTORS

/* ---- where a thread is ---- */

extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
#define warpSize 32

/* ---- barriers and shuffles (host_fibres.cpp) ---- */

enum { HOST_SHARED_BYTES = 227 << 10 }; /* of an H100 */
extern thread_local unsigned char lt_dynamic_shared[HOST_SHARED_BYTES] __align__(128);

void __syncthreads();
int __syncthreads_or(int predicate);
void __syncwarp(unsigned mask = 0xffffffffu);
/* The value that lane `from` of this warp gave; every lane of `mask` takes part. */
uint64_t host_exchange(unsigned mask, uint64_t value, int from);
extern int host_current_lane;
/* that other threads of the block make true */
void host_wait_until(const std::function<bool()> &holds);
int host_device(); /* as cudaSetDevice chose for this OS thread */
bool host_devices_lost();

/* Whoever has it is alone with the devices: every call takes it, from whichever OS thread. */
using host_alone = std::lock_guard<std::recursive_mutex>;
std::recursive_mutex &host_lock();

inline int host_lane()
{
    return host_current_lane;
}

template <typename T> inline T host_shuffle(unsigned mask, T value, int from)
{
    static_assert(sizeof(T) <= sizeof(uint64_t), "a shuffle moves at most 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = host_exchange(mask, bits, from);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A lane outside its group of `width` keeps its own value, as on the device. */
template <typename T> inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32)
{
    return host_shuffle(mask, value, host_lane() / width * width + lane % width);
}

template <typename T> inline T __shfl_xor_sync(unsigned mask, T value, int flip, int width = 32)
{
    const int from = host_lane() ^ flip;
    return host_shuffle(mask, value, from / width == host_lane() / width ? from : host_lane());
}

template <typename T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32)
{
    const int from = host_lane() + (int)distance;
    return host_shuffle(mask, value, from / width == host_lane() / width ? from : host_lane());
}

template <typename T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32)
{
    const int from = host_lane() - (int)distance;
    return host_shuffle(mask, value, from >= host_lane() / width * width ? from : host_lane());
}

unsigned __ballot_sync(unsigned mask, int predicate);

inline int __any_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, predicate) != 0;
}

inline int __all_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, predicate) == mask;
}

/* ---- atomics: fibres change at barriers only ---- */

template <typename T> inline T atomicAdd(T *at, T value)
{
    const T before = *at;
    *at = before + value;
    return before;
}

inline unsigned atomicInc(unsigned *at, unsigned last)
{
    const unsigned before = *at;
    *at = before >= last ? 0 : before + 1;
    return before;
}

template <typename T> inline T atomicMax(T *at, T value)
{
    const T before = *at;
    *at = before > value ? before : value;
    return before;
}

inline void __threadfence()
{
}

/* ---- arithmetic ---- */

template <typename T> inline T min(T a, T b)
{
    return b < a ? b : a;
}

template <typename T> inline T max(T a, T b)
{
    return a < b ? b : a;
}

template <typename T> inline T __ldg(const T *from)
{
    return *from;
}

inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}

inline float __expf(float x)
{
    return expf(x);
}

inline float __fdividef(float a, float b)
{
    return a / b;
}

inline float __fmaf_rn(float a, float b, float c)
{
    return fmaf(a, b, c);
}

inline float __fmul_rn(float a, float b)
{
    return a * b;
}

inline float __fadd_rn(float a, float b)
{
    return a + b;
}

inline uint32_t __umulhi(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b >> 32);
}

inline uint32_t __float_as_uint(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline float __uint_as_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}

/* Sum of four products of signed bytes, added to c. */
inline int __dp4a(int a, int b, int c)
{
    for (int i = 0; i < 32; i += 8)
        c += (int)(int8_t)(uint8_t)((unsigned)a >> i) * (int)(int8_t)(uint8_t)((unsigned)b >> i);
    return c;
}

/* ---- launches ---- */

enum { cudaLaunchAttributeProgrammaticStreamSerialization };

/* Accepted from kernels that can wait, and counted; a kernel here always
 * comes after the one before it. */
typedef struct {
    int id;
    struct {
        int programmaticStreamSerializationAllowed;
    } val;
} cudaLaunchAttribute;

typedef struct {
    dim3 gridDim;
    dim3 blockDim;
    size_t dynamicSmemBytes;
    cudaStream_t stream;
    cudaLaunchAttribute *attrs;
    unsigned numAttrs;
} cudaLaunchConfig_t;

/* Queues `body`, once for every thread of the grid. Refuses what the device would. */
cudaError_t host_launch(const cudaLaunchConfig_t *config, const void *kernel, size_t argument_bytes,
                        std::function<void()> body);

/* Queues any work on device memory, and a kernel, which is counted. */
cudaError_t host_enqueue(cudaStream_t stream, std::function<void()> work);
cudaError_t host_enqueue_kernel(cudaStream_t stream, std::function<void()> work);

template <typename... P, typename... A>
inline cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(P...),
                                      A &&...arguments)
{
    const std::tuple<P...> copies(static_cast<P>(arguments)...);
    return host_launch(config, (const void *)kernel, (sizeof(P) + ... + 0),
                       [kernel, copies] { std::apply(kernel, copies); });
}

#endif
