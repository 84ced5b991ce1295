/* reference_layer_norm.c - out = (x - mean) / sqrt(var + eps) * w + b, then * (1 + scale) + shift.
 *
 * Mean and biased variance over the last dimension, in double, in two passes.
 */
#include <math.h>

#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out; /* [B, n, d] */
    lt_tensor x;
    const float *w;
    const float *bias;
    double eps;
    lt_tensor scale; /* [B or 1, d] or none */
    lt_tensor shift;
} job;

/* Element i of the modulation of `batch`; 0 where there is none. */
static double modulation(const lt_tensor *m, int64_t batch, int64_t i)
{
    if (lt_is_none(m))
        return 0;
    return lt_ref_get(m, (m->dim[0] == 1 ? 0 : batch) * m->stride[0] + i);
}

static void norm_row(const job *j, int64_t row)
{
    const int64_t d = j->x.dim[2];
    const int64_t batch = row / j->x.dim[1];
    const int64_t from = lt_ref_row_at(&j->x, row);
    const int64_t to = lt_ref_row_at(&j->out, row);
    double mean = 0;
    for (int64_t i = 0; i < d; i++)
        mean += lt_ref_get(&j->x, from + i);
    mean /= (double)d;
    double variance = 0;
    for (int64_t i = 0; i < d; i++) {
        const double distance = lt_ref_get(&j->x, from + i) - mean;
        variance += distance * distance;
    }
    variance /= (double)d;
    const double inverse = 1 / sqrt(variance + j->eps);
    for (int64_t i = 0; i < d; i++) {
        double y = (lt_ref_get(&j->x, from + i) - mean) * inverse;
        if (j->w != NULL)
            y *= (double)j->w[i];
        if (j->bias != NULL)
            y += (double)j->bias[i];
        y = y * (1 + modulation(&j->scale, batch, i)) + modulation(&j->shift, batch, i);
        lt_ref_put(&j->out, to + i, y);
    }
}

static void norm_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t rows = lt_ref_tile_rows(j->x.dim[2]);
    const int64_t end = lt_ref_min((tile + 1) * rows, lt_ref_rows(&j->x));
    for (int64_t row = tile * rows; row < end; row++)
        norm_row(j, row);
}

lt_status lt_ref_layer_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift,
                            lt_error *err)
{
    (void)err;
    job j = {.out = out,
             .x = x,
             .w = lt_ref_values(w),
             .bias = lt_ref_values(bias),
             .eps = (double)eps,
             .scale = scale,
             .shift = shift};
    lt_pool_run(b->pool, lt_ref_tiles(lt_ref_rows(&x), lt_ref_tile_rows(x.dim[2])), norm_tile, &j);
    return LT_OK;
}
