/* cuda_runtime_api.h - the part of the CUDA runtime that kernels/cuda calls, on the host.
 * Test-only: it stands first in the include path of the host build. C11 and C++17; host_runtime.cpp
 * has the functions.
 *
 * Memory of the "device" comes filled with a pattern. Host code that touches it faults: it may be
 * read and written only while a kernel or a copy runs. Under the address sanitizer it is malloc's
 * instead, and the sanitizer watches what a kernel does.
 *
 * There are three devices. On the first the threads of a block take their turns from first to last,
 * on the second from last to first: a kernel that lacks a barrier gives other results there. On the
 * first the stream that was opened first does everything at once and other streams as late as
 * events allow; on the second it is the other way round; on the third all are late: an order
 * between streams, or with the host, that nobody waits for gives other results as well
 * (host_streams.cpp).
 */
#ifndef HOST_CUDA_RUNTIME_API_H
#define HOST_CUDA_RUNTIME_API_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInsufficientDriver = 35,
    cudaErrorInvalidDeviceFunction = 98,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorNoKernelImageForDevice = 209,
    cudaErrorInvalidResourceHandle = 400,
    cudaErrorLaunchFailure = 719,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated = 901,
    cudaErrorStreamCaptureMerge = 902,
    cudaErrorStreamCaptureUnmatched = 903,
    cudaErrorStreamCaptureUnjoined = 904,
    cudaErrorStreamCaptureIsolation = 905,
    cudaErrorStreamCaptureImplicit = 906,
    cudaErrorCapturedEvent = 907,
    cudaErrorStreamCaptureWrongThread = 908
} cudaError_t;

typedef enum {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3
} cudaMemcpyKind;
typedef enum { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 } cudaFuncAttribute;

typedef struct host_stream *cudaStream_t;
typedef struct host_event *cudaEvent_t;
typedef struct host_graph *cudaGraph_t;
typedef struct host_graph_exec *cudaGraphExec_t;
typedef enum { cudaStreamCaptureModeThreadLocal = 1 } cudaStreamCaptureMode;

enum { cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };

struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
    size_t sharedMemPerBlockOptin;
    int major;
    int minor;
    int multiProcessorCount;
};

struct cudaFuncAttributes {
    int ptxVersion;
};

cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMallocHost(void **memory, size_t bytes);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaMemGetInfo(size_t *available, size_t *total);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value);
cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *kernel);
cudaError_t cudaGetLastError(void);
const char *cudaGetErrorName(cudaError_t code);
const char *cudaGetErrorString(cudaError_t code);

/* ---- the test's own handles on it ---- */

/* What stands in for a library's kernels: work(copy of the argument) as
 * one piece of a stream's work. */
cudaError_t host_enqueue_call(cudaStream_t stream, void (*work)(void *), const void *argument,
                              size_t bytes);

/* Device memory may be touched between these; they nest. */
void host_device_begin(void);
void host_device_end(void);

/* What kernels were compiled for, 90 at first. Those for less cannot wait for what comes before,
 * and a launch that lets them begin early is refused. */
void host_compile_for(int architecture);

/* Kernels and graphs that the host launched. */
size_t host_launches(void);
/* Those of kernels that may begin early. */
size_t host_early_launches(void);
/* Kernels that were ever run. */
size_t host_kernels(void);
/* How often the host waited for a stream or an event. */
size_t host_waits(void);
/* cudaSuccess, or while a stream captures what a call returns that is not allowed
 * then; it spoils the capture. */
cudaError_t host_refuse_in_capture(void);

/* Everything that is queued anywhere. */
void host_finish_all(void);

/* Version of what stands in for cuBLASLt, at first one that multiplies
 * rows with scales of their own. */
void host_set_cublas(size_t version);

/* Bytes of device memory there are; cudaMalloc fails beyond. */
void host_set_memory(size_t bytes);
/* Waiting for a stream fails, and so does asking for memory, as after a kernel that went wrong;
 * until `lost` is 0. */
void host_lose_devices(int lost);
/* The most that was taken since. */
size_t host_memory_peak(void);

#ifdef __cplusplus
}
#endif
#endif
