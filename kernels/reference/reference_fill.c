/* reference_fill.c - out = value, any strides. */
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out;
    double value;
} job;

static void fill_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int last = j->out.rank - 1;
    const int64_t rows = lt_ref_tile_rows(j->out.dim[last]);
    const int64_t end = lt_ref_min((tile + 1) * rows, lt_ref_rows(&j->out));
    for (int64_t row = tile * rows; row < end; row++) {
        const int64_t to = lt_ref_row_at(&j->out, row);
        for (int64_t i = 0; i < j->out.dim[last]; i++)
            lt_store_element(j->out.data, j->out.dtype, to + i * j->out.stride[last], j->value);
    }
}

lt_status lt_ref_fill(lt_backend *b, lt_tensor out, float value, lt_error *err)
{
    (void)err;
    job j = {.out = out, .value = (double)value};
    lt_pool_run(b->pool, lt_ref_tiles(lt_ref_rows(&out), lt_ref_tile_rows(out.dim[out.rank - 1])),
                fill_tile, &j);
    return LT_OK;
}
