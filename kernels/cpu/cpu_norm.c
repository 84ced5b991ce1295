/* cpu_norm.c - layer norm, RMS norm, group norm.
 *
 * Rows are independent. Group norm takes two passes: sums over fixed runs of pixels, put together
 * in order, then the scaling.
 */
#include "kernels/cpu/cpu_backend.h"

#include <math.h>
#include <string.h>

/* ---- layer norm with modulation, RMS norm ---- */

enum { ROW_BLOCK = 16 };

typedef struct {
    const lt_cpu *cpu;
    lt_tensor out; /* [B, n, d] */
    lt_tensor x;
    const float *w;
    const float *bias;
    float eps;
    const float *scale; /* f32, rows of a batch scale_stride apart; or NULL */
    const float *shift;
    int64_t scale_stride;
    int64_t shift_stride;
} row_norm;

static void layer_norm_rows(void *user, int64_t tile, int worker)
{
    (void)worker;
    const row_norm *j = user;
    const int64_t n = j->x.dim[1];
    const int64_t end = lt_min((tile + 1) * ROW_BLOCK, j->x.dim[0] * n);
    for (int64_t row = tile * ROW_BLOCK; row < end; row++) {
        const int64_t batch = row / n;
        const int64_t i = row % n;
        j->cpu->kernels->layer_norm(lt_at(&j->out, batch * j->out.stride[0] + i * j->out.stride[1]),
                                    lt_at(&j->x, batch * j->x.stride[0] + i * j->x.stride[1]),
                                    j->x.dtype, j->x.dim[2], j->w, j->bias, j->eps,
                                    j->scale == NULL ? NULL : j->scale + batch * j->scale_stride,
                                    j->shift == NULL ? NULL : j->shift + batch * j->shift_stride);
    }
}

/* A modulation [B or 1, d] as f32: where it is, or widened into `*room`,
 * which moves on. NULL for none. */
static const float *modulation(const lt_cpu *cpu, const lt_tensor *m, int64_t *stride, float **room)
{
    if (lt_is_none(m))
        return NULL;
    *stride = m->dim[0] == 1 ? 0 : m->stride[0];
    if (m->dtype == LT_F32)
        return m->data;
    float *wide = *room;
    for (int64_t batch = 0; batch < m->dim[0]; batch++)
        cpu->kernels->widen(wide + batch * m->dim[1], lt_at(m, batch * m->stride[0]), m->dtype,
                            m->dim[1]);
    *stride = m->dim[0] == 1 ? 0 : m->dim[1];
    *room += m->dim[0] * m->dim[1];
    return wide;
}

lt_status lt_cpu_layer_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift,
                            lt_error *err)
{
    row_norm j = {.cpu = lt_cpu_of(b),
                  .out = out,
                  .x = x,
                  .w = lt_vector(w),
                  .bias = lt_vector(bias),
                  .eps = eps};
    const int64_t wide =
        (lt_is_none(&scale) ? 0 : lt_numel(&scale)) + (lt_is_none(&shift) ? 0 : lt_numel(&shift));
    if (wide * (int64_t)sizeof(float) > LT_SHARED_SCRATCH)
        return lt_fail(err, LT_ERR_FAILED, "layer_norm: %lld modulation values, at most %d fit",
                       (long long)wide, (int)(LT_SHARED_SCRATCH / sizeof(float)));
    float *room = lt_shared_scratch(j.cpu);
    j.scale = modulation(j.cpu, &scale, &j.scale_stride, &room);
    j.shift = modulation(j.cpu, &shift, &j.shift_stride, &room);
    lt_cpu_run(j.cpu, lt_ceil_div(x.dim[0] * x.dim[1], ROW_BLOCK), layer_norm_rows, &j,
               lt_numel(&x));
    return LT_OK;
}

static void rms_norm_rows(void *user, int64_t tile, int worker)
{
    (void)worker;
    const row_norm *j = user;
    const int64_t end = lt_min((tile + 1) * ROW_BLOCK, j->x.dim[0]);
    for (int64_t row = tile * ROW_BLOCK; row < end; row++)
        j->cpu->kernels->rms_norm(lt_at(&j->out, row * j->out.stride[0]),
                                  lt_at(&j->x, row * j->x.stride[0]), j->x.dtype, j->x.dim[1], j->w,
                                  j->eps);
}

lt_status lt_cpu_rms_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, float eps,
                          lt_error *err)
{
    (void)err;
    row_norm j = {.cpu = lt_cpu_of(b), .out = out, .x = x, .w = lt_vector(w), .eps = eps};
    lt_cpu_run(j.cpu, lt_ceil_div(x.dim[0], ROW_BLOCK), rms_norm_rows, &j, lt_numel(&x));
    return LT_OK;
}

/* ---- group norm ---- */

enum {
    PIXELS_MIN = 512, /* of a tile of sums */
    /* Half of the scratch; the other half holds centres, slopes and offsets. */
    SUMS_MAX = LT_SHARED_SCRATCH / 2 / (int)sizeof(double)
};

typedef struct {
    const lt_cpu *cpu;
    lt_tensor out; /* [n, H, W, C] */
    lt_tensor x;   /* [T, H, W, C] */
    const float *w;
    const float *bias;
    const lt_group_norm_args *args;
    int64_t pixels;      /* T H W */
    int64_t tile_pixels; /* of a tile of sums */
    double *sums;        /* [tiles][groups][2] */
    float *centre;       /* [C]: one value of the channel's group, so that squares do not cancel */
    float *slope;        /* [C] */
    float *offset;
} group_norm;

static void sum_pixels(void *user, int64_t tile, int worker)
{
    const group_norm *j = user;
    const int groups = j->args->groups;
    const int64_t channels = j->x.dim[3];
    const int64_t first = tile * j->tile_pixels;
    double *by_channel = lt_worker_scratch(j->cpu, worker); /* [2][C] */
    double *sums = j->sums + tile * groups * 2;
    memset(by_channel, 0, (size_t)channels * 2 * sizeof *by_channel);
    j->cpu->kernels->channel_sums(by_channel, by_channel + channels, lt_at(&j->x, first * channels),
                                  j->x.dtype, lt_min(j->tile_pixels, j->pixels - first), channels,
                                  j->centre);
    memset(sums, 0, (size_t)groups * 2 * sizeof *sums);
    for (int64_t c = 0; c < channels; c++) {
        const int64_t group = c / (channels / groups);
        sums[group * 2] += by_channel[c];
        sums[group * 2 + 1] += by_channel[channels + c];
    }
}

/* GN(x) = x * slope + offset, from the sums of all tiles in order. */
static void find_slopes(const group_norm *j, int64_t tiles)
{
    const int groups = j->args->groups;
    const int64_t channels = j->x.dim[3];
    const int64_t width = channels / groups;
    const double count = (double)(j->pixels * width);
    for (int g = 0; g < groups; g++) {
        double sum = 0;
        double squares = 0;
        for (int64_t tile = 0; tile < tiles; tile++) {
            sum += j->sums[(tile * groups + g) * 2];
            squares += j->sums[(tile * groups + g) * 2 + 1];
        }
        const double away = sum / count;
        const double mean = (double)j->centre[g * width] + away;
        const double variance = fmax(squares / count - away * away, 0);
        const double steep = 1 / sqrt(variance + (double)j->args->eps);
        for (int64_t c = g * width; c < (g + 1) * width; c++) {
            const double weight = j->w == NULL ? 1 : (double)j->w[c];
            j->slope[c] = (float)(steep * weight);
            j->offset[c] =
                (float)((j->bias == NULL ? 0 : (double)j->bias[c]) - mean * steep * weight);
        }
    }
}

/* Frame of the modulation that frame t of T takes: with an odd number of frames > 1 the first
 * stands for itself, and the rest share the rest; else evenly. */
static int64_t modulating_frame(int64_t t, int64_t frames, int64_t cells)
{
    if (frames > 1 && frames % 2 == 1)
        return t == 0 ? 0 : 1 + (t - 1) * (cells - 1) / (frames - 1);
    return t * cells / frames;
}

/* One row of out's pixels: [W, C]. */
static void scale_pixels(void *user, int64_t tile, int worker)
{
    (void)worker;
    const group_norm *j = user;
    const lt_group_norm_args *a = j->args;
    const int64_t rows = j->x.dim[1];
    const int64_t columns = j->x.dim[2];
    const int64_t channels = j->x.dim[3];
    const int64_t to = tile * columns * channels;
    const int64_t from = to + a->first * rows * columns * channels;
    if (lt_is_none(&a->gain)) {
        j->cpu->kernels->group_scale(lt_at(&j->out, to), lt_at(&j->x, from), j->x.dtype, columns,
                                     channels, j->slope, j->offset, NULL, NULL, a->act);
        return;
    }
    const int64_t frame = modulating_frame(a->first + tile / rows, j->x.dim[0], a->gain.dim[0]);
    const int64_t row = tile % rows * a->gain.dim[1] / rows;
    for (int64_t column = 0; column < columns;) {
        const int64_t cell = column * a->gain.dim[2] / columns;
        int64_t end = column + 1;
        while (end < columns && end * a->gain.dim[2] / columns == cell)
            end++;
        const int64_t at = column * channels;
        const int64_t gain_at =
            frame * a->gain.stride[0] + row * a->gain.stride[1] + cell * a->gain.stride[2];
        const int64_t shift_at =
            frame * a->shift.stride[0] + row * a->shift.stride[1] + cell * a->shift.stride[2];
        j->cpu->kernels->group_scale(lt_at(&j->out, to + at), lt_at(&j->x, from + at), j->x.dtype,
                                     end - column, channels, j->slope, j->offset,
                                     lt_at(&a->gain, gain_at), lt_at(&a->shift, shift_at), a->act);
        column = end;
    }
}

lt_status lt_cpu_group_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, const lt_group_norm_args *a, lt_error *err)
{
    const int64_t channels = x.dim[3];
    if (3 * channels * (int64_t)sizeof(float) > LT_SHARED_SCRATCH / 2)
        return lt_fail(err, LT_ERR_FAILED, "group_norm: %lld channels in %d groups are too many",
                       (long long)channels, a->groups);
    group_norm j = {.cpu = lt_cpu_of(b),
                    .out = out,
                    .x = x,
                    .w = lt_vector(w),
                    .bias = lt_vector(bias),
                    .args = a};
    j.pixels = x.dim[0] * x.dim[1] * x.dim[2];
    const int64_t tiles_max = SUMS_MAX / (2 * a->groups);
    j.tile_pixels = lt_ceil_div(j.pixels, tiles_max);
    if (j.tile_pixels < PIXELS_MIN)
        j.tile_pixels = PIXELS_MIN;
    const int64_t tiles = lt_ceil_div(j.pixels, j.tile_pixels);
    j.sums = lt_shared_scratch(j.cpu);
    j.centre = (float *)(void *)(j.sums + SUMS_MAX);
    j.slope = j.centre + channels;
    j.offset = j.slope + channels;
    const int64_t width = channels / a->groups;
    for (int64_t c = 0; c < channels; c++)
        j.cpu->kernels->widen(j.centre + c, lt_at(&x, c / width * width), x.dtype, 1);
    lt_cpu_run(j.cpu, tiles, sum_pixels, &j, lt_numel(&x));
    find_slopes(&j, tiles);
    lt_cpu_run(j.cpu, out.dim[0] * out.dim[1], scale_pixels, &j, lt_numel(&out));
    return LT_OK;
}
