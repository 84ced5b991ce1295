/* reference_gated_add.c - out[B, n, d] = x[B, n, d] + gate[B or 1, d] * y[B, n, d] */
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out;
    lt_tensor x;
    lt_tensor gate;
    lt_tensor y;
} job;

static void gated_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t d = j->x.dim[2];
    const int64_t rows = lt_ref_tile_rows(d);
    const int64_t end = lt_ref_min((tile + 1) * rows, lt_ref_rows(&j->x));
    for (int64_t row = tile * rows; row < end; row++) {
        const int64_t batch = j->gate.dim[0] == 1 ? 0 : row / j->x.dim[1];
        const int64_t to = lt_ref_row_at(&j->out, row);
        const int64_t x = lt_ref_row_at(&j->x, row);
        const int64_t y = lt_ref_row_at(&j->y, row);
        for (int64_t i = 0; i < d; i++) {
            const double gate = lt_ref_get(&j->gate, batch * j->gate.stride[0] + i);
            lt_ref_put(&j->out, to + i, lt_ref_get(&j->x, x + i) + gate * lt_ref_get(&j->y, y + i));
        }
    }
}

lt_status lt_ref_gated_add(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor gate, lt_tensor y,
                           lt_error *err)
{
    (void)err;
    job j = {.out = out, .x = x, .gate = gate, .y = y};
    lt_pool_run(b->pool, lt_ref_tiles(lt_ref_rows(&x), lt_ref_tile_rows(x.dim[2])), gated_tile, &j);
    return LT_OK;
}
