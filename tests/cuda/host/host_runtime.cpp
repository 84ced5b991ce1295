/* host_runtime.cpp - devices and memory of the host build; see cuda_runtime_api.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <map>

#include "cuda_runtime.h"

namespace
{

enum { DEVICES = 3, ALIGN = 256, PATTERN = 0xcd, FILLED_BYTES = 1 << 20 };

size_t memory_bytes = (size_t)1 << 40;
size_t memory_used;
size_t memory_most;
std::map<void *, size_t> blocks;
std::map<void *, size_t> pinned;
bool devices_lost;
thread_local cudaError_t last = cudaSuccess;
thread_local int current;

cudaError_t failed(cudaError_t code)
{
    last = code;
    return code;
}

#ifdef __SANITIZE_ADDRESS__

/* Blocks are malloc's, and the sanitizer watches their ends. */
void *take(size_t bytes)
{
    void *memory = nullptr;
    return posix_memalign(&memory, ALIGN, bytes) == 0 ? memory : nullptr;
}

void give_back(void *memory, size_t)
{
    free(memory);
}

#else

/* All blocks lie in one region that nobody may touch while the host's own code runs. */
const size_t region_bytes = (size_t)64 << 30; /* of addresses */
char *region;
size_t reached;                            /* bytes of the region that were ever handed out */
std::multimap<size_t, char *> free_blocks; /* by size */
int busy;                                  /* how deep we are in code of the device */

void protect(int how)
{
    if (reached > 0 && mprotect(region, reached, how) != 0)
        abort();
}

size_t whole_pages(size_t bytes)
{
    return (bytes + 4095) / 4096 * 4096;
}

void *take(size_t bytes)
{
    const size_t whole = whole_pages(bytes > 0 ? bytes : 1);
    const auto found = free_blocks.lower_bound(whole);
    if (found != free_blocks.end() && found->first == whole) {
        char *memory = found->second;
        free_blocks.erase(found);
        return memory;
    }
    if (region == nullptr) {
        void *mapped = mmap(nullptr, region_bytes, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped == MAP_FAILED)
            return nullptr;
        region = (char *)mapped;
    }
    if (whole > region_bytes - reached)
        return nullptr;
    char *memory = region + reached;
    reached += whole;
    if (busy > 0)
        protect(PROT_READ | PROT_WRITE);
    return memory;
}

void give_back(void *memory, size_t bytes)
{
    const size_t whole = whole_pages(bytes > 0 ? bytes : 1);
    (void)madvise(memory, whole, MADV_DONTNEED);
    free_blocks.emplace(whole, (char *)memory);
}

#endif

} // namespace

std::recursive_mutex &host_lock()
{
    static std::recursive_mutex lock;
    return lock;
}

void host_device_begin(void)
{
    host_lock().lock();
#ifndef __SANITIZE_ADDRESS__
    if (busy++ == 0)
        protect(PROT_READ | PROT_WRITE);
#endif
}

void host_device_end(void)
{
#ifndef __SANITIZE_ADDRESS__
    if (--busy == 0)
        protect(PROT_NONE);
#endif
    host_lock().unlock();
}

void host_set_memory(size_t bytes)
{
    const host_alone alone(host_lock());
    memory_bytes = bytes;
    memory_most = memory_used;
}

void host_lose_devices(int lost)
{
    const host_alone alone(host_lock());
    devices_lost = lost != 0;
}

bool host_devices_lost()
{
    return devices_lost;
}

size_t host_memory_peak(void)
{
    const host_alone alone(host_lock());
    return memory_most;
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
    const host_alone alone(host_lock());
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
    const host_alone alone(host_lock());
    *memory = nullptr;
    if (host_refuse_in_capture() != cudaSuccess)
        return failed(cudaErrorStreamCaptureUnsupported);
    if (bytes > memory_bytes || memory_used > memory_bytes - bytes)
        return failed(cudaErrorMemoryAllocation);
    *memory = take(bytes);
    if (*memory == nullptr)
        return failed(cudaErrorMemoryAllocation);
    host_device_begin();
    /* a workspace stays address space */
    memset(*memory, PATTERN, bytes < (size_t)FILLED_BYTES ? bytes : (size_t)FILLED_BYTES);
    host_device_end();
    blocks[*memory] = bytes;
    memory_used += bytes;
    memory_most = memory_used > memory_most ? memory_used : memory_most;
    return cudaSuccess;
}

/* Waits for nothing, as little as cudaFreeHost: what is still to be done with it then is done with
 * what comes there. */
cudaError_t cudaFree(void *memory)
{
    const host_alone alone(host_lock());
    if (memory == nullptr)
        return cudaSuccess;
    if (host_refuse_in_capture() != cudaSuccess)
        return failed(cudaErrorStreamCaptureUnsupported);
    if (blocks.count(memory) == 0)
        return failed(cudaErrorInvalidValue);
    memory_used -= blocks[memory];
    give_back(memory, blocks[memory]);
    blocks.erase(memory);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    const host_alone alone(host_lock());
    *memory = nullptr;
    if (host_refuse_in_capture() != cudaSuccess)
        return failed(cudaErrorStreamCaptureUnsupported);
    *memory = malloc(bytes > 0 ? bytes : 1);
    if (*memory == nullptr)
        return failed(cudaErrorMemoryAllocation);
    pinned[*memory] = bytes;
    return cudaSuccess;
}

/* Waits for nothing: a copy that is still under way finds the pattern. */
cudaError_t cudaFreeHost(void *memory)
{
    const host_alone alone(host_lock());
    if (memory == nullptr)
        return cudaSuccess;
    if (host_refuse_in_capture() != cudaSuccess)
        return failed(cudaErrorStreamCaptureUnsupported);
    if (pinned.count(memory) == 0)
        return failed(cudaErrorInvalidValue);
    memset(memory, PATTERN, pinned[memory]);
    pinned.erase(memory);
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    const host_alone alone(host_lock());
    if (devices_lost)
        return failed(cudaErrorLaunchFailure);
    *available = memory_bytes > memory_used ? memory_bytes - memory_used : 0;
    *total = memory_bytes;
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
