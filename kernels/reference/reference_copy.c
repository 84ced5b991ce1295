/* reference_copy.c - out = x between any strides; dtypes may differ among floats. */
#include <string.h>

#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out;
    lt_tensor x;
} job;

static void copy_row(const job *j, int64_t to, int64_t from)
{
    const int last = j->x.rank - 1;
    const int64_t d = j->x.dim[last];
    const int64_t out_step = j->out.stride[last];
    const int64_t x_step = j->x.stride[last];
    if (j->out.dtype != j->x.dtype) {
        for (int64_t i = 0; i < d; i++)
            lt_store_element(j->out.data, j->out.dtype, to + i * out_step,
                             lt_load_element(j->x.data, j->x.dtype, from + i * x_step));
        return;
    }
    /* the same dtype moves bit for bit */
    const int64_t bytes = (int64_t)lt_dtype_bytes(j->x.dtype);
    char *out = (char *)j->out.data + to * bytes;
    const char *x = (const char *)j->x.data + from * bytes;
    if (out_step == 1 && x_step == 1) {
        memcpy(out, x, (size_t)(d * bytes));
        return;
    }
    for (int64_t i = 0; i < d; i++)
        memcpy(out + i * out_step * bytes, x + i * x_step * bytes, (size_t)bytes);
}

static void copy_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t rows = lt_ref_tile_rows(j->x.dim[j->x.rank - 1]);
    const int64_t end = lt_ref_min((tile + 1) * rows, lt_ref_rows(&j->x));
    for (int64_t row = tile * rows; row < end; row++)
        copy_row(j, lt_ref_row_at(&j->out, row), lt_ref_row_at(&j->x, row));
}

lt_status lt_ref_copy(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    (void)err;
    job j = {.out = out, .x = x};
    lt_pool_run(b->pool, lt_ref_tiles(lt_ref_rows(&x), lt_ref_tile_rows(x.dim[x.rank - 1])),
                copy_tile, &j);
    return LT_OK;
}
