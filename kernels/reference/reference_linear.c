/* reference_linear.c - out[n, o] = act(sum over i of x[n, i] W[o, i] + bias[o]) */
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_lanes.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out;
    lt_tensor x;
    const float *w; /* [o, i] */
    const float *bias;
    lt_act act;
    int64_t column_tiles;
} job;

/* Up to eight rows of x times up to 64 rows of W. */
static void linear_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t row0 = tile / j->column_tiles * LT_REF_LANES;
    const int64_t column0 = tile % j->column_tiles * LT_REF_OUTPUTS;
    const int64_t rows = lt_ref_min(LT_REF_LANES, j->x.dim[0] - row0);
    const int64_t columns = lt_ref_min(LT_REF_OUTPUTS, j->out.dim[1] - column0);
    const int64_t in = j->x.dim[1];

    double x[LT_REF_DEPTH][LT_REF_LANES] = {{0}};
    double sum[LT_REF_OUTPUTS][LT_REF_LANES] = {{0}};
    for (int64_t k0 = 0; k0 < in; k0 += LT_REF_DEPTH) {
        const int64_t depth = lt_ref_min(LT_REF_DEPTH, in - k0);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t k = 0; k < depth; k++)
                x[k][r] = lt_ref_get(&j->x, (row0 + r) * j->x.stride[0] + k0 + k);
        for (int64_t c = 0; c < columns; c++)
            lt_ref_dot(j->w + (column0 + c) * in + k0, x, depth, sum[c]);
    }
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            const double bias = j->bias == NULL ? 0 : (double)j->bias[column0 + c];
            lt_ref_put(&j->out, (row0 + r) * j->out.stride[0] + column0 + c,
                       lt_ref_act(sum[c][r] + bias, j->act));
        }
}

lt_status lt_ref_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias, lt_act act, lt_error *err)
{
    (void)err;
    job j = {.out = out, .x = x, .w = lt_ref_values(w), .bias = lt_ref_values(bias), .act = act};
    j.column_tiles = lt_ref_tiles(out.dim[1], LT_REF_OUTPUTS);
    lt_pool_run(b->pool, lt_ref_tiles(x.dim[0], LT_REF_LANES) * j.column_tiles, linear_tile, &j);
    return LT_OK;
}
