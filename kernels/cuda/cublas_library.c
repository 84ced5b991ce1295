/* cublas_library.c - see cublas_library.h. */
#include "kernels/cuda/cublas_library.h"

#include <string.h>

#include "kernels/cuda/cuda_backend.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

static lt_status find(void *library, const char *name, void *place, lt_error *err)
{
    void *function;
    LT_TRY(lt_cuda_symbol(library, name, &function, err));
    memcpy(place, &function, sizeof function); /* ISO C has no cast from an object to a function */
    return LT_OK;
}

lt_status lt_cublas_functions_load(lt_cublas_functions *f, lt_error *err)
{
    static const char *const names[] = {"libcublasLt.so." TEXT(CUBLAS_VER_MAJOR), NULL};
    void *library;
    LT_TRY(lt_cuda_library(names, &library, err));
#define FIND(name) LT_TRY(find(library, #name, &f->name, err));
    LT_CUBLAS_FUNCTIONS(FIND)
#undef FIND
    return LT_OK;
}
