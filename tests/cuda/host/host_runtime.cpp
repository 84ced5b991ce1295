/* host_runtime.cpp - memory, streams and events of the host build; see cuda_runtime_api.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <map>

#include "cuda_runtime.h"

struct host_stream {
    int unused;
};

struct host_event {
    int unused;
};

namespace
{

enum { DEVICES = 2, ALIGN = 256, PATTERN = 0xcd };

size_t memory_bytes = (size_t)1 << 40;
size_t memory_used;
std::map<void *, size_t> blocks;
cudaError_t last = cudaSuccess;
int current;

cudaError_t failed(cudaError_t code)
{
    last = code;
    return code;
}

} // namespace

void host_set_memory(size_t bytes)
{
    memory_bytes = bytes;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = 12040;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = 12040;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = DEVICES;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device)
{
    if (device < 0 || device >= DEVICES)
        return failed(cudaErrorInvalidDevice);
    *properties = {"host", memory_bytes, 227 << 10, 9, 0, 2};
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    if (device < 0 || device >= DEVICES)
        return failed(cudaErrorInvalidDevice);
    current = device;
    return cudaSuccess;
}

int host_device()
{
    return current;
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    *memory = nullptr;
    if (bytes > memory_bytes - memory_used)
        return failed(cudaErrorMemoryAllocation);
    if (posix_memalign(memory, ALIGN, bytes) != 0)
        return failed(cudaErrorMemoryAllocation);
    memset(*memory, PATTERN, bytes);
    blocks[*memory] = bytes;
    memory_used += bytes;
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory)
{
    if (memory == nullptr)
        return cudaSuccess;
    if (blocks.count(memory) == 0)
        return failed(cudaErrorInvalidValue);
    memory_used -= blocks[memory];
    blocks.erase(memory);
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    *memory = malloc(bytes);
    return *memory != nullptr ? cudaSuccess : failed(cudaErrorMemoryAllocation);
}

cudaError_t cudaFreeHost(void *memory)
{
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    *available = memory_bytes - memory_used;
    *total = memory_bytes;
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t)
{
    memmove(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t)
{
    memset(memory, value, bytes);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    *stream = new host_stream();
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = new host_event();
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t)
{
    return event != nullptr ? cudaSuccess : failed(cudaErrorInvalidResourceHandle);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    return event != nullptr ? cudaSuccess : failed(cudaErrorInvalidResourceHandle);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaGetLastError(void)
{
    const cudaError_t code = last;
    last = cudaSuccess;
    return code;
}

const char *cudaGetErrorName(cudaError_t code)
{
    return code == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation" : "cudaError";
}

const char *cudaGetErrorString(cudaError_t code)
{
    return code == cudaErrorMemoryAllocation ? "out of memory" : "refused by the host build";
}
