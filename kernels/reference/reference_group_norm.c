/* reference_group_norm.c - out = act(GN(x) * gain[Z] + shift[Z]); GN(x) = (x - mean) / sqrt(var +
 * eps) * w + b.
 *
 * Mean and biased variance over the channels of a group and all of T x H x W, in double, in two
 * passes. One tile is one group, so no sum is split. Z is the nearest cell of the gain's grid [L,
 * h, w]: rows y h / H, columns x w / W, frames t L / T; but when T is odd and above 1, frame 0
 * takes cell 0 and the others share the remaining cells. Where only some frames are asked for, mean
 * and variance are still those of all T.
 */
#include <math.h>

#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out; /* [n, H, W, C] */
    lt_tensor x;   /* [T, H, W, C] */
    const float *w;
    const float *bias;
    const lt_group_norm_args *a;
} job;

typedef struct {
    double mean;
    double inverse; /* 1 / sqrt(var + eps) */
} statistics;

static statistics measure_group(const job *j, int64_t first, int64_t channels)
{
    const int64_t all = j->x.dim[3];
    const int64_t pixels = lt_ref_rows(&j->x);
    const double n = (double)(pixels * channels);
    double mean = 0;
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = first; c < first + channels; c++)
            mean += lt_ref_get(&j->x, p * all + c);
    mean /= n;
    double variance = 0;
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = first; c < first + channels; c++) {
            const double distance = lt_ref_get(&j->x, p * all + c) - mean;
            variance += distance * distance;
        }
    const statistics s = {mean, 1 / sqrt(variance / n + (double)j->a->eps)};
    return s;
}

static int64_t frame_cell(int64_t t, int64_t frames, int64_t cells)
{
    if (frames > 1 && frames % 2 == 1)
        return t == 0 ? 0 : 1 + (t - 1) * (cells - 1) / (frames - 1);
    return t * cells / frames;
}

/* Where the cell of pixel `p` begins in a gain or shift [L, h, w, C]. */
static int64_t cell_at(const job *j, const lt_tensor *grid, int64_t p)
{
    const int64_t height = j->x.dim[1];
    const int64_t width = j->x.dim[2];
    const int64_t t = frame_cell(p / (height * width), j->x.dim[0], grid->dim[0]);
    const int64_t y = p / width % height * grid->dim[1] / height;
    const int64_t x = p % width * grid->dim[2] / width;
    return t * grid->stride[0] + y * grid->stride[1] + x * grid->stride[2];
}

static void norm_group(void *user, int64_t group, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t all = j->x.dim[3];
    const int64_t channels = all / j->a->groups;
    const int64_t first = group * channels;
    const statistics s = measure_group(j, first, channels);
    const bool gained = !lt_is_none(&j->a->gain);
    /* pixels of x before those of out */
    const int64_t begin = j->a->first * j->x.dim[1] * j->x.dim[2];
    for (int64_t p = begin; p < begin + lt_ref_rows(&j->out); p++) {
        const int64_t gain = gained ? cell_at(j, &j->a->gain, p) : 0;
        const int64_t shift = gained ? cell_at(j, &j->a->shift, p) : 0;
        for (int64_t c = first; c < first + channels; c++) {
            double y = (lt_ref_get(&j->x, p * all + c) - s.mean) * s.inverse;
            if (j->w != NULL)
                y *= (double)j->w[c];
            if (j->bias != NULL)
                y += (double)j->bias[c];
            if (gained)
                y = y * lt_ref_get(&j->a->gain, gain + c) + lt_ref_get(&j->a->shift, shift + c);
            lt_ref_put(&j->out, (p - begin) * all + c, lt_ref_act(y, j->a->act));
        }
    }
}

lt_status lt_ref_group_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, const lt_group_norm_args *a, lt_error *err)
{
    (void)err;
    job j = {.out = out, .x = x, .w = lt_ref_values(w), .bias = lt_ref_values(bias), .a = a};
    lt_pool_run(b->pool, a->groups, norm_group, &j);
    return LT_OK;
}
