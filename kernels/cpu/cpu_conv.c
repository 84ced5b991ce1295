/* cpu_conv.c - convolution as a matrix product that reads the image itself, and nearest upsampling.
 *
 * Channels come last, so for one row of taps the kw * Cin inputs of an output pixel are consecutive in memory, and those of the
 * pixel to its right start stride * Cin further on: a row of pixels *is* the left matrix of the product, with overlapping rows.
 * A tile (one frame, some rows, some columns of outputs) copies its inputs once to scratch, widened to f32 and with the zeros
 * of the padding, then multiplies:
 *
 *     strip[kt][(rows-1) stride + kh][(columns-1) stride + kw][Cin]   .   panels[kt][kh][kw Cin][tile_columns]
 *
 * Frames before the first are read from the history, or are the first frame again; nothing is copied as a whole.
 */
#include "kernels/cpu/cpu_backend.h"

#include <string.h>

enum {
    TILE_COLUMNS_TARGET = 84,  /* output columns of a tile: a multiple of 6 and 14 */
    TILE_PIXELS_TARGET = 192,  /* output pixels of a tile: enough to pay for reading the panels */
    STRIP_BYTES_MAX = 320 << 10, /* of the L2 cache */
    STRIP_BYTES_LIMIT = 1 << 20, /* of the worker's scratch */
    RUN_MAX = 384,             /* of one product: its part of a panel (24 KB with AVX2) stays in the L1 cache */
    STRETCHES_MAX = 64
};

typedef struct {
    const lt_cpu *cpu;
    lt_tensor out; /* [T, H', W', Cout] */
    lt_tensor x;   /* [T, H, W, Cin] */
    const lt_conv_args *args;
    const lt_cpu_weight *packed;
    const float *bias;
    int64_t kt;
    int64_t kh;
    int64_t kw;
    int64_t rows; /* output rows of a tile */
    int64_t groups; /* of tile_rows output columns */
    int64_t row_tiles;
    int64_t column_tiles;
    int64_t strip_rows;
    int64_t pitch; /* floats between rows of the strip */
} conv;

/* ---- the strip ---- */

/* Frame t of the input, t from -(kt-1) on. */
static const void *frame_of(const conv *c, int64_t t)
{
    const int64_t frame = c->x.stride[0];
    if (t >= 0)
        return lt_at(&c->x, t * frame);
    if (lt_is_none(&c->args->history))
        return c->x.data;
    return lt_at(&c->args->history, (c->kt - 1 + t) * frame);
}

/* Columns x0 .. x0+count-1 of input row y of a frame; what lies outside is zero. */
static void fill_row(const conv *c, float *row, const void *frame, int64_t y, int64_t x0, int64_t count)
{
    const int64_t channels = c->x.dim[3];
    const int64_t width = c->x.dim[2];
    const int64_t begin = x0 < 0 ? lt_min(-x0, count) : 0;
    int64_t end = lt_min(count, width - x0);
    if (y < 0 || y >= c->x.dim[1] || end <= begin)
        end = begin;
    memset(row, 0, (size_t)(begin * channels) * sizeof *row);
    if (end > begin) {
        const size_t at = (size_t)((y * width + x0 + begin) * channels) * lt_dtype_bytes(c->x.dtype);
        c->cpu->kernels->widen(row + begin * channels, (const char *)frame + at, c->x.dtype, (end - begin) * channels);
    }
    memset(row + end * channels, 0, (size_t)(c->pitch - end * channels) * sizeof *row);
}

static void fill_strip(const conv *c, float *strip, int64_t t, int64_t first_row, int64_t first_column)
{
    const int64_t stride = c->args->stride;
    const int64_t y0 = first_row * stride - c->args->pad_top;
    const int64_t x0 = first_column * stride - c->args->pad_left;
    const int64_t count = c->pitch / c->x.dim[3];
    for (int64_t j = 0; j < c->kt; j++) {
        const void *frame = frame_of(c, t - (c->kt - 1) + j);
        for (int64_t y = 0; y < c->strip_rows; y++, strip += c->pitch)
            fill_row(c, strip, frame, y0 + y, x0, count);
    }
}

/* ---- the product ---- */

/* The next stretches of the dot product, from input `*at` on, RUN_MAX long at most; returns how many. */
static int next_stretches(const conv *c, int64_t *at, lt_stretch *stretch)
{
    const int64_t run = c->kw * c->x.dim[3];
    int count = 0;
    int64_t room = RUN_MAX;
    while (*at < c->packed->depth && count < STRETCHES_MAX) {
        const int64_t tap_row = *at / run;
        const int64_t within = *at % run;
        int64_t some = run - within;
        if (some > room) {
            if (count > 0)
                break; /* begin the next product with it */
            some = room;
        }
        stretch[count++] = (lt_stretch){
            .offset = (tap_row / c->kh * c->strip_rows + tap_row % c->kh) * c->pitch + within,
            .run = some,
        };
        *at += some;
        room -= some;
    }
    return count;
}

static void convolve_tile(void *user, int64_t tile, int worker)
{
    const conv *c = user;
    const lt_cpu_kernels *kernels = c->cpu->kernels;
    const int64_t height = kernels->tile_rows;
    const int64_t width = kernels->tile_columns;
    const int64_t stride = c->args->stride;
    const int64_t outputs = c->packed->outputs;
    const int64_t first_column = tile % c->column_tiles * c->groups * height;
    const int64_t first_row = tile / c->column_tiles % c->row_tiles * c->rows;
    const int64_t t = tile / c->column_tiles / c->row_tiles;
    const int64_t rows = lt_min(c->rows, c->out.dim[1] - first_row);
    const int64_t columns = lt_min(c->groups * height, c->out.dim[2] - first_column);
    const int64_t groups = lt_ceil_div(columns, height);

    float *strip = lt_worker_scratch(c->cpu, worker);
    float *sums = strip + c->kt * c->strip_rows * c->pitch; /* [rows][groups][height][width] */
    fill_strip(c, strip, t, first_row, first_column);
    const int64_t pixel = ((t * c->out.dim[1] + first_row) * c->out.dim[2] + first_column) * outputs;
    for (int64_t o = 0; o < outputs; o += width) {
        const float *panel = c->packed->panels + o * c->packed->depth;
        lt_stretch stretch[STRETCHES_MAX];
        for (int64_t at = 0, begin = 0; begin < c->packed->depth; begin = at) {
            const int count = next_stretches(c, &at, stretch);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t g = 0; g < groups; g++)
                    kernels->multiply(sums + (r * groups + g) * height * width, width,
                                      strip + r * stride * c->pitch + g * height * stride * c->x.dim[3], stride * c->x.dim[3],
                                      stretch, count, panel + begin * width, begin == 0);
        }
        for (int64_t r = 0; r < rows; r++) {
            const int64_t out_at = pixel + r * c->out.dim[2] * outputs + o;
            const lt_finish finish = {
                .bias = c->bias == NULL ? NULL : c->bias + o,
                .add = lt_is_none(&c->args->add) ? NULL : lt_at(&c->args->add, out_at),
                .add_stride = outputs,
                .add_type = c->args->add.dtype,
            };
            kernels->finish(lt_at(&c->out, out_at), c->out.dtype, outputs, sums + r * groups * height * width, width, columns,
                            lt_min(width, outputs - o), &finish);
        }
    }
}

/* ---- the shape of a tile ---- */

static void size_strip(conv *c)
{
    const int64_t stride = c->args->stride;
    c->strip_rows = (c->rows - 1) * stride + c->kh;
    c->pitch = ((c->groups * c->cpu->kernels->tile_rows - 1) * stride + c->kw) * c->x.dim[3];
}

static int64_t strip_bytes(const conv *c)
{
    return c->kt * c->strip_rows * c->pitch * (int64_t)sizeof(float);
}

/* As wide as the target, then as many rows as make enough pixels; less of both where the strip would leave the cache. */
static void choose_tile(conv *c)
{
    const int64_t height = c->cpu->kernels->tile_rows;
    c->groups = lt_ceil_div(lt_min(c->out.dim[2], TILE_COLUMNS_TARGET), height);
    c->rows = lt_min(c->out.dim[1], lt_ceil_div(TILE_PIXELS_TARGET, c->groups * height));
    size_strip(c);
    while (strip_bytes(c) > STRIP_BYTES_MAX && (c->rows > 2 || c->groups > 1)) {
        if (c->rows > 2)
            c->rows--;
        else
            c->groups--;
        size_strip(c);
    }
    c->row_tiles = lt_ceil_div(c->out.dim[1], c->rows);
    c->column_tiles = lt_ceil_div(c->out.dim[2], c->groups * height);
}

lt_status lt_cpu_conv(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, const lt_weight *bias, const lt_conv_args *a,
                      lt_error *err)
{
    const bool in_time = w->value.rank == 5;
    conv c = {
        .cpu = lt_cpu_of(b),
        .out = out,
        .x = x,
        .args = a,
        .packed = w->packed,
        .bias = lt_vector(bias),
        .kt = in_time ? w->value.dim[2] : 1,
        .kh = w->value.dim[in_time ? 3 : 2],
        .kw = w->value.dim[in_time ? 4 : 3],
    };
    choose_tile(&c);
    if (strip_bytes(&c) > STRIP_BYTES_LIMIT)
        return lt_fail(err, LT_ERR_FAILED, "conv: %lld channels and a kernel of %lld x %lld x %lld do not fit the scratch",
                       (long long)x.dim[3], (long long)c.kt, (long long)c.kh, (long long)c.kw);
    lt_cpu_run(c.cpu, out.dim[0] * c.row_tiles * c.column_tiles, convolve_tile, &c, lt_numel(&out) * c.packed->depth / 8);
    return LT_OK;
}

/* ---- nearest upsampling ---- */

typedef struct {
    lt_tensor out;
    lt_tensor x;
    int64_t factor;
} upsampling;

/* One row of input pixels, written `factor` times. */
static void upsample_row(void *user, int64_t tile, int worker)
{
    (void)worker;
    const upsampling *u = user;
    const int64_t rows = u->x.dim[1];
    const int64_t columns = u->x.dim[2];
    const size_t pixel = (size_t)u->x.dim[3] * lt_dtype_bytes(u->x.dtype);
    const int64_t t = tile / rows;
    const int64_t frames = u->x.dim[0];
    const bool doubled = u->out.dim[0] > frames;
    const bool first_once = frames % 2 == 1;
    const int64_t frame = !doubled ? t : first_once ? (t + 1) / 2 : t / 2;
    const char *from = lt_at(&u->x, (frame * rows + tile % rows) * columns * u->x.dim[3]);
    const size_t line = (size_t)(columns * u->factor) * pixel;
    char *to = lt_at(&u->out, (t * rows + tile % rows) * u->factor * columns * u->factor * u->x.dim[3]);
    char *at = to;
    for (int64_t column = 0; column < columns; column++, from += pixel)
        for (int64_t i = 0; i < u->factor; i++, at += pixel)
            memcpy(at, from, pixel);
    for (int64_t i = 1; i < u->factor; i++)
        memcpy(to + (size_t)i * line, to, line);
}

lt_status lt_cpu_upsample(lt_backend *b, lt_tensor out, lt_tensor x, int factor, lt_time_rule time, lt_error *err)
{
    (void)time; /* the shape of out says it */
    (void)err;
    upsampling u = {.out = out, .x = x, .factor = factor};
    lt_cpu_run(lt_cpu_of(b), out.dim[0] * x.dim[1], upsample_row, &u, lt_numel(&out));
    return LT_OK;
}
