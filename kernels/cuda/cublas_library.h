/* cublas_library.h - the functions of cuBLASLt that we call, found at run time. */
#ifndef LT_CUBLAS_LIBRARY_H
#define LT_CUBLAS_LIBRARY_H

#include <cublasLt.h>

#include "kernels/core/status.h"

#define LT_CUBLAS_FUNCTIONS(X)                                                                     \
    X(cublasLtCreate)                                                                              \
    X(cublasLtDestroy)                                                                             \
    X(cublasLtGetStatusName)                                                                       \
    X(cublasLtGetVersion)                                                                          \
    X(cublasLtMatmul)                                                                              \
    X(cublasLtMatmulAlgoGetHeuristic)                                                              \
    X(cublasLtMatmulDescCreate)                                                                    \
    X(cublasLtMatmulDescDestroy)                                                                   \
    X(cublasLtMatmulDescSetAttribute)                                                              \
    X(cublasLtMatmulPreferenceCreate)                                                              \
    X(cublasLtMatmulPreferenceDestroy)                                                             \
    X(cublasLtMatmulPreferenceSetAttribute)                                                        \
    X(cublasLtMatrixLayoutCreate)                                                                  \
    X(cublasLtMatrixLayoutDestroy)

typedef struct {
#define LT_CUBLAS_MEMBER(name) __typeof__(name) *name;
    LT_CUBLAS_FUNCTIONS(LT_CUBLAS_MEMBER)
#undef LT_CUBLAS_MEMBER
} lt_cublas_functions;

/* LT_ERR_DEVICE where the library, in the version this was built for,
 * is not found. It stays loaded. */
lt_status lt_cublas_functions_load(lt_cublas_functions *f, lt_error *err);

#endif
