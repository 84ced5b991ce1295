/* cudnn_library.c - see cudnn_library.h. */
#include "kernels/cuda/cudnn_library.h"

#include <string.h>

#include "kernels/cuda/cuda_backend.h"

static lt_status find(void *library, const char *name, void *place, lt_error *err)
{
    void *function;
    LT_TRY(lt_cuda_symbol(library, name, &function, err));
    memcpy(place, &function, sizeof function); /* ISO C has no cast from an object to a function */
    return LT_OK;
}

lt_status lt_cudnn_functions_load(lt_cudnn_functions *f, lt_error *err)
{
    static const char *const names[] = {"libcudnn.so.9", NULL};
    void *library;
    LT_TRY(lt_cuda_library(names, &library, err));
#define FIND(name) LT_TRY(find(library, #name, &f->name, err));
    LT_CUDNN_FUNCTIONS(FIND)
#undef FIND
    const size_t version = f->cudnnGetVersion();
    if (version < LT_CUDNN_OLDEST)
        return lt_fail(err, LT_ERR_DEVICE, "cuda: cuDNN %zu.%zu.%zu, expected %d.%d or newer",
                       version / 10000, version / 100 % 100, version % 100, LT_CUDNN_OLDEST / 10000,
                       LT_CUDNN_OLDEST / 100 % 100);
    return LT_OK;
}
