/* reference_gated_act.c - out = act(g) * u */
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out; /* [n, d] */
    lt_tensor g;
    lt_tensor u;
    lt_act act;
} job;

static void gate_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t d = j->g.dim[1];
    const int64_t rows = lt_ref_tile_rows(d);
    const int64_t end = lt_ref_min((tile + 1) * rows, j->g.dim[0]);
    for (int64_t row = tile * rows; row < end; row++)
        for (int64_t i = 0; i < d; i++) {
            const double g = lt_ref_get(&j->g, row * j->g.stride[0] + i);
            const double u = lt_ref_get(&j->u, row * j->u.stride[0] + i);
            lt_ref_put(&j->out, row * j->out.stride[0] + i, lt_ref_act(g, j->act) * u);
        }
}

lt_status lt_ref_gated_act(lt_backend *b, lt_tensor out, lt_tensor g, lt_tensor u, lt_act act,
                           lt_error *err)
{
    (void)err;
    job j = {.out = out, .g = g, .u = u, .act = act};
    lt_pool_run(b->pool, lt_ref_tiles(g.dim[0], lt_ref_tile_rows(g.dim[1])), gate_tile, &j);
    return LT_OK;
}
