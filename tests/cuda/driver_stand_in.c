/* driver_stand_in.c - a libcuda.so.1 that drives nothing: every function that cuDNN looks for while
 * it builds a plan, so that test_cudnn_plans can have plans for cards that are not here. Loading a
 * kernel succeeds; asking for a device fails. Test-only. */

enum { SUCCESS = 0, NO_DEVICE = 100 };

#pragma GCC visibility push(default) /* the build hides what is not named */

#define GIVES_HANDLE(name)                                                                         \
    int name(void **handle);                                                                       \
    int name(void **handle)                                                                        \
    {                                                                                              \
        static int something;                                                                      \
        *handle = &something;                                                                      \
        return SUCCESS;                                                                            \
    }
#define SUCCEEDS(name)                                                                             \
    int name(void);                                                                                \
    int name(void)                                                                                 \
    {                                                                                              \
        return SUCCESS;                                                                            \
    }
#define REFUSES(name)                                                                              \
    int name(void);                                                                                \
    int name(void)                                                                                 \
    {                                                                                              \
        return NO_DEVICE;                                                                          \
    }

GIVES_HANDLE(cuKernelGetFunction)
GIVES_HANDLE(cuLibraryGetKernel)
GIVES_HANDLE(cuLibraryGetModule)
GIVES_HANDLE(cuLibraryLoadData)
GIVES_HANDLE(cuModuleGetFunction)
SUCCEEDS(cuFuncSetAttribute)
SUCCEEDS(cuKernelGetAttribute)
SUCCEEDS(cuKernelSetAttribute)
SUCCEEDS(cuLibraryUnload)
REFUSES(cuCtxGetCurrent)
REFUSES(cuCtxGetLimit)
REFUSES(cuCtxPopCurrent)
REFUSES(cuCtxPushCurrent)
REFUSES(cuDeviceGet)
REFUSES(cuDeviceGetCount)
REFUSES(cuDriverGetVersion)
REFUSES(cuGetErrorName)
REFUSES(cuGetErrorString)
REFUSES(cuLaunchCooperativeKernel)
REFUSES(cuLaunchKernel)
REFUSES(cuLaunchKernelEx)
REFUSES(cuLibraryLoadFromFile)
REFUSES(cuLinkAddData)
REFUSES(cuLinkComplete)
REFUSES(cuLinkCreate)
REFUSES(cuLinkDestroy)
REFUSES(cuOccupancyMaxPotentialClusterSize)
REFUSES(cuStreamGetCtx)

#pragma GCC visibility pop
