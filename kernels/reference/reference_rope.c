/* reference_rope.c - rotates pair j = (x[2j], x[2j+1]) of every head by the angle of (row, j):
 *     out[2j] = x[2j] cos - x[2j+1] sin;  out[2j+1] = x[2j] sin + x[2j+1] cos
 */
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out; /* [B, n, h, d] */
    lt_tensor x;
    lt_tensor cosine; /* [n, d/2] */
    lt_tensor sine;
} job;

/* All heads of one row of one batch. */
static void rotate_row(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t row = tile % j->x.dim[1];
    const int64_t heads = j->x.dim[2];
    for (int64_t head = 0; head < heads; head++) {
        const int64_t from = lt_ref_row_at(&j->x, tile * heads + head);
        const int64_t to = lt_ref_row_at(&j->out, tile * heads + head);
        for (int64_t i = 0; i < j->x.dim[3] / 2; i++) {
            const double c = lt_ref_get(&j->cosine, row * j->cosine.stride[0] + i);
            const double s = lt_ref_get(&j->sine, row * j->sine.stride[0] + i);
            const double a = lt_ref_get(&j->x, from + 2 * i);
            const double b = lt_ref_get(&j->x, from + 2 * i + 1);
            lt_ref_put(&j->out, to + 2 * i, a * c - b * s);
            lt_ref_put(&j->out, to + 2 * i + 1, a * s + b * c);
        }
    }
}

lt_status lt_ref_rope(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor cosine, lt_tensor sine,
                      lt_error *err)
{
    (void)err;
    job j = {.out = out, .x = x, .cosine = cosine, .sine = sine};
    lt_pool_run(b->pool, x.dim[0] * x.dim[1], rotate_row, &j);
    return LT_OK;
}
