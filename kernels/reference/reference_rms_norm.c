/* reference_rms_norm.c - out = x / sqrt(mean(x^2) + eps) * w, mean over
 * the last dimension, in double. */
#include <math.h>

#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out; /* [n, d] */
    lt_tensor x;
    const float *w;
    double eps;
} job;

static void rms_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t d = j->x.dim[1];
    const int64_t rows = lt_ref_tile_rows(d);
    const int64_t end = lt_ref_min((tile + 1) * rows, j->x.dim[0]);
    for (int64_t row = tile * rows; row < end; row++) {
        const int64_t from = row * j->x.stride[0];
        const int64_t to = row * j->out.stride[0];
        double square = 0;
        for (int64_t i = 0; i < d; i++)
            square += lt_ref_get(&j->x, from + i) * lt_ref_get(&j->x, from + i);
        const double inverse = 1 / sqrt(square / (double)d + j->eps);
        for (int64_t i = 0; i < d; i++)
            lt_ref_put(&j->out, to + i, lt_ref_get(&j->x, from + i) * inverse * (double)j->w[i]);
    }
}

lt_status lt_ref_rms_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, float eps,
                          lt_error *err)
{
    (void)err;
    job j = {.out = out, .x = x, .w = lt_ref_values(w), .eps = (double)eps};
    lt_pool_run(b->pool, lt_ref_tiles(x.dim[0], lt_ref_tile_rows(x.dim[1])), rms_tile, &j);
    return LT_OK;
}
