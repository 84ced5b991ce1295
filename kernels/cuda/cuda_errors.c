/* cuda_errors.c - from codes of the CUDA runtime to our statuses, and
 * libraries that may be missing. */
#include "kernels/cuda/cuda_backend.h"

#include <dlfcn.h>
#include <stdio.h>

static lt_status status_of(cudaError_t code)
{
    switch (code) {
    case cudaSuccess:
        return LT_OK;
    case cudaErrorMemoryAllocation:
        return LT_ERR_DEVICE_MEMORY;
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorInvalidResourceHandle:
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureMerge:
    case cudaErrorStreamCaptureUnmatched:
    case cudaErrorStreamCaptureUnjoined:
    case cudaErrorStreamCaptureIsolation:
    case cudaErrorStreamCaptureImplicit:
    case cudaErrorCapturedEvent:
    case cudaErrorStreamCaptureWrongThread:
        return LT_ERR_FAILED; /* a request that no device would take */
    default:
        return LT_ERR_DEVICE;
    }
}

lt_status lt_cuda_check(cudaError_t code, const char *place, lt_error *err)
{
    if (code == cudaSuccess)
        return LT_OK;
    (void)cudaGetLastError(); /* a failure that is not the device's end is not seen again by the
                                 next call */
    size_t available = 0;
    size_t total = 0;
    if (code == cudaErrorMemoryAllocation && cudaMemGetInfo(&available, &total) == cudaSuccess)
        return lt_fail(err, LT_ERR_DEVICE_MEMORY, "cuda: %s: %s, %zu of %zu bytes are free", place,
                       cudaGetErrorString(code), available, total);
    return lt_fail(err, status_of(code), "cuda: %s: %s (%s)", place, cudaGetErrorString(code),
                   cudaGetErrorName(code));
}

lt_status lt_cuda_no_memory(const lt_cuda *c, size_t bytes, const char *place, lt_error *err)
{
    (void)cudaGetLastError();
    size_t available = 0;
    size_t total = c->facts.memory_bytes;
    (void)cudaMemGetInfo(&available, &total);
    return lt_fail(err, LT_ERR_DEVICE_MEMORY,
                   "cuda: %s: %zu bytes needed, %zu of %zu are free, %zu in use here", place, bytes,
                   available, total, c->base.memory_in_use + c->workspace_bytes);
}

lt_status lt_cuda_library(const char *const *names, void **library, lt_error *err)
{
    char tried[256] = "";
    size_t used = 0;
    *library = NULL;
    for (const char *const *name = names; *name != NULL; name++) {
        *library = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
        if (*library != NULL)
            return LT_OK;
        if (used < sizeof tried)
            used += (size_t)snprintf(tried + used, sizeof tried - used, "%s%s",
                                     used > 0 ? ", " : "", *name);
    }
    const char *why = dlerror();
    return lt_fail(err, LT_ERR_DEVICE, "cuda: none of %s can be loaded: %s", tried,
                   why != NULL ? why : "no reason given");
}

lt_status lt_cuda_symbol(void *library, const char *name, void **function, lt_error *err)
{
    *function = dlsym(library, name);
    return *function != NULL
               ? LT_OK
               : lt_fail(err, LT_ERR_DEVICE, "cuda: the library found has no function %s", name);
}
