/* reference_axpby.c - out = alpha x + beta y; y may be none or have size 1 where out is larger. */
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out;
    double alpha;
    lt_tensor x;
    double beta;
    lt_tensor y;
} job;

static void axpby_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int last = j->out.rank - 1;
    const int64_t d = j->out.dim[last];
    const int64_t rows = lt_ref_tile_rows(d);
    const int64_t end = lt_ref_min((tile + 1) * rows, lt_ref_rows(&j->out));
    const bool two = !lt_is_none(&j->y);
    for (int64_t row = tile * rows; row < end; row++) {
        const int64_t to = lt_ref_row_at(&j->out, row);
        const int64_t x = lt_ref_row_at(&j->x, row);
        const int64_t y = two ? lt_ref_row_at(&j->y, row) : 0;
        for (int64_t i = 0; i < d; i++) {
            double value = j->alpha * lt_ref_get(&j->x, x + i * j->x.stride[last]);
            if (two)
                value += j->beta * lt_ref_get(&j->y, y + i * j->y.stride[last]);
            lt_ref_put(&j->out, to + i * j->out.stride[last], value);
        }
    }
}

/* A dimension of size 1 as one of `size` that never moves. */
static lt_tensor broadcast(lt_tensor y, const lt_tensor *out)
{
    for (int i = 0; i < y.rank; i++)
        if (y.dim[i] != out->dim[i]) {
            y.dim[i] = out->dim[i];
            y.stride[i] = 0;
        }
    return y;
}

lt_status lt_ref_axpby(lt_backend *b, lt_tensor out, float alpha, lt_tensor x, float beta,
                       lt_tensor y, lt_error *err)
{
    (void)err;
    job j = {
        .out = out, .alpha = (double)alpha, .x = x, .beta = (double)beta, .y = broadcast(y, &out)};
    const int64_t rows = lt_ref_tile_rows(out.dim[out.rank - 1]);
    lt_pool_run(b->pool, lt_ref_tiles(lt_ref_rows(&out), rows), axpby_tile, &j);
    return LT_OK;
}
