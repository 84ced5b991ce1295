/* reference_conv.c - cross-correlation of video, causal in time, zeros around each frame:
 *
 *     out[t, y, x, o] = bias[o] + add[t, y, x, o]
 *         + sum over i, a, b, c of
 *               W[o, i, a, b, c] in[t - kt + 1 + a, s y + b - top, s x + c - left, i]
 *
 * Frames before the first come from `history`; without one they are the first frame again.
 */
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_lanes.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out;  /* [T, H', W', Cout] */
    lt_tensor x;    /* [T, H, W, Cin] */
    const float *w; /* [Cout, Cin, kt, kh, kw] */
    const float *bias;
    const lt_conv_args *a;
    int64_t kt;
    int64_t kh;
    int64_t kw;
    int64_t column_tiles;
    int64_t output_tiles;
} job;

/* in[t, y, x, i]; t may be before the first frame, y and x outside the frame. */
static double input_at(const job *j, int64_t t, int64_t y, int64_t x, int64_t i)
{
    const int64_t height = j->x.dim[1];
    const int64_t width = j->x.dim[2];
    if (y < 0 || y >= height || x < 0 || x >= width)
        return 0;
    const lt_tensor *from = &j->x;
    if (t < 0 && !lt_is_none(&j->a->history)) {
        from = &j->a->history;
        t += j->kt - 1;
    }
    t = t < 0 ? 0 : t;
    return lt_ref_get(from, ((t * height + y) * width + x) * j->x.dim[3] + i);
}

/* Up to eight neighbouring columns of one output row, up to 64 output channels. The sum runs over k
 * = (i, a, b, c), the order of the weights in memory. */
static void conv_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t o0 = tile % j->output_tiles * LT_REF_OUTPUTS;
    const int64_t x0 = tile / j->output_tiles % j->column_tiles * LT_REF_LANES;
    const int64_t y = tile / j->output_tiles / j->column_tiles % j->out.dim[1];
    const int64_t t = tile / j->output_tiles / j->column_tiles / j->out.dim[1];
    const int64_t columns = lt_ref_min(LT_REF_LANES, j->out.dim[2] - x0);
    const int64_t outputs = lt_ref_min(LT_REF_OUTPUTS, j->out.dim[3] - o0);
    const int64_t taps = j->kt * j->kh * j->kw;
    const int64_t length = j->x.dim[3] * taps;

    double in[LT_REF_DEPTH][LT_REF_LANES] = {{0}};
    double sum[LT_REF_OUTPUTS][LT_REF_LANES] = {{0}};
    for (int64_t k0 = 0; k0 < length; k0 += LT_REF_DEPTH) {
        const int64_t depth = lt_ref_min(LT_REF_DEPTH, length - k0);
        for (int64_t k = 0; k < depth; k++) {
            const int64_t tap = (k0 + k) % taps;
            const int64_t from_t = t - j->kt + 1 + tap / (j->kh * j->kw);
            const int64_t from_y = y * j->a->stride + tap / j->kw % j->kh - j->a->pad_top;
            const int64_t from_x = x0 * j->a->stride + tap % j->kw - j->a->pad_left;
            for (int64_t r = 0; r < columns; r++)
                in[k][r] = input_at(j, from_t, from_y, from_x + r * j->a->stride, (k0 + k) / taps);
        }
        for (int64_t o = 0; o < outputs; o++)
            lt_ref_dot(j->w + (o0 + o) * length + k0, in, depth, sum[o]);
    }
    for (int64_t r = 0; r < columns; r++)
        for (int64_t o = 0; o < outputs; o++) {
            const int64_t at =
                ((t * j->out.dim[1] + y) * j->out.dim[2] + x0 + r) * j->out.dim[3] + o0 + o;
            double value = sum[o][r];
            if (j->bias != NULL)
                value += (double)j->bias[o0 + o];
            if (!lt_is_none(&j->a->add))
                value += lt_ref_get(&j->a->add, at);
            lt_ref_put(&j->out, at, value);
        }
}

lt_status lt_ref_conv(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                      const lt_weight *bias, const lt_conv_args *a, lt_error *err)
{
    (void)err;
    const lt_tensor *kernel = &w->value; /* [Cout, Cin, kt, kh, kw] or [Cout, Cin, kh, kw] */
    job j = {.out = out, .x = x, .w = lt_ref_values(w), .bias = lt_ref_values(bias), .a = a};
    j.kt = kernel->rank == 5 ? kernel->dim[2] : 1;
    j.kh = kernel->dim[kernel->rank - 2];
    j.kw = kernel->dim[kernel->rank - 1];
    j.column_tiles = lt_ref_tiles(out.dim[2], LT_REF_LANES);
    j.output_tiles = lt_ref_tiles(out.dim[3], LT_REF_OUTPUTS);
    lt_pool_run(b->pool, out.dim[0] * out.dim[1] * j.column_tiles * j.output_tiles, conv_tile, &j);
    return LT_OK;
}
