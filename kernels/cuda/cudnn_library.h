/* cudnn_library.h - the functions of cuDNN's graph interface that we call, found at run time. */
#ifndef LT_CUDNN_LIBRARY_H
#define LT_CUDNN_LIBRARY_H

#include <cudnn_graph.h>

#include "kernels/core/status.h"

#define LT_CUDNN_FUNCTIONS(X)                                                                      \
    X(cudnnBackendCreateDescriptor)                                                                \
    X(cudnnBackendDestroyDescriptor)                                                               \
    X(cudnnBackendExecute)                                                                         \
    X(cudnnBackendFinalize)                                                                        \
    X(cudnnBackendGetAttribute)                                                                    \
    X(cudnnBackendSetAttribute)                                                                    \
    X(cudnnCreate)                                                                                 \
    X(cudnnDestroy)                                                                                \
    X(cudnnGetErrorString)                                                                         \
    X(cudnnGetLastErrorString)                                                                     \
    X(cudnnGetVersion)                                                                             \
    X(cudnnSetStream)

typedef struct {
#define LT_CUDNN_MEMBER(name) __typeof__(name) *name;
    LT_CUDNN_FUNCTIONS(LT_CUDNN_MEMBER)
#undef LT_CUDNN_MEMBER
} lt_cudnn_functions;

enum { LT_CUDNN_OLDEST = 91300 }; /* release 9.13: attention as one operation */

/* LT_ERR_DEVICE where cuDNN 9 is not found or older than LT_CUDNN_OLDEST. It stays loaded. */
lt_status lt_cudnn_functions_load(lt_cudnn_functions *f, lt_error *err);

#endif
