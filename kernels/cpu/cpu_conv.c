/* cpu_conv.c - convolution as a matrix product that reads the image itself, and nearest upsampling.
 *
 * Channels come last, so for one row of taps the kw * Cin inputs of an output pixel are consecutive in memory, and those of the
 * pixel to its right start stride * Cin further on: a row of pixels *is* the left matrix of the product, with overlapping rows.
 * A tile (one frame, some rows, some columns of outputs) copies its inputs once to scratch, widened to f32 and with the zeros
 * of the padding, then multiplies:
 *
 *     strip[kt][(rows-1) stride + kh][(columns-1) stride + kw][Cin]   .   panels[kt][kh][kw Cin][tile_columns]
 *
 * With many input channels that is done for a slice of LT_CONV_SLICE channels after the other.
 * Frames before the first are read from the history, or are the first frame again; nothing is copied as a whole.
 */
#include "kernels/cpu/cpu_backend.h"

#include <string.h>

enum {
    TILE_COLUMNS_TARGET = 84,  /* output columns of a tile: a multiple of 6 and 14 */
    TILE_PIXELS_TARGET = 192,  /* output pixels of a tile: enough to pay for reading the panels */
    STRIP_BYTES_MAX = 320 << 10, /* of the L2 cache */
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
    int64_t strip_columns;
} conv;

/* Some of the input channels. */
typedef struct {
    int64_t first;
    int64_t channels;
    int64_t pitch; /* floats between rows of the strip */
    int64_t depth; /* kt kh kw channels */
} slice;

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

/* The slice's channels of columns x0 .. x0+strip_columns-1 of input row y; what lies outside is zero. */
static void fill_row(const conv *c, const slice *s, float *row, const void *frame, int64_t y, int64_t x0)
{
    const lt_cpu_kernels *kernels = c->cpu->kernels;
    const int64_t channels = c->x.dim[3];
    const int64_t width = c->x.dim[2];
    const int64_t begin = x0 < 0 ? lt_min(-x0, c->strip_columns) : 0;
    int64_t end = lt_min(c->strip_columns, width - x0);
    if (y < 0 || y >= c->x.dim[1] || end < begin)
        end = begin;
    memset(row, 0, (size_t)(begin * s->channels) * sizeof *row);
    const char *from = (const char *)frame + ((y * width + x0 + begin) * channels + s->first) * (int64_t)lt_dtype_bytes(c->x.dtype);
    float *to = row + begin * s->channels;
    if (s->channels == channels)
        kernels->widen(to, from, c->x.dtype, (end - begin) * channels);
    else
        for (int64_t x = begin; x < end; x++, to += s->channels, from += channels * (int64_t)lt_dtype_bytes(c->x.dtype))
            kernels->widen(to, from, c->x.dtype, s->channels);
    memset(row + end * s->channels, 0, (size_t)((c->strip_columns - end) * s->channels) * sizeof *row);
}

static void fill_strip(const conv *c, const slice *s, float *strip, int64_t t, int64_t first_row, int64_t first_column)
{
    const int64_t y0 = first_row * c->args->stride - c->args->pad_top;
    const int64_t x0 = first_column * c->args->stride - c->args->pad_left;
    for (int64_t j = 0; j < c->kt; j++) {
        const void *frame = frame_of(c, t - (c->kt - 1) + j);
        for (int64_t y = 0; y < c->strip_rows; y++, strip += s->pitch)
            fill_row(c, s, strip, frame, y0 + y, x0);
    }
}

/* ---- the product ---- */

/* The next stretches of the dot product, from input `*at` of the slice on, RUN_MAX long at most; returns how many. */
static int next_stretches(const conv *c, const slice *s, int64_t *at, lt_stretch *stretch)
{
    const int64_t run = c->kw * s->channels;
    int count = 0;
    int64_t room = RUN_MAX;
    while (*at < s->depth && count < STRETCHES_MAX) {
        const int64_t tap_row = *at / run;
        const int64_t within = *at % run;
        int64_t some = run - within;
        if (some > room) {
            if (count > 0)
                break; /* begin the next product with it */
            some = room;
        }
        stretch[count++] = (lt_stretch){
            .offset = (tap_row / c->kh * c->strip_rows + tap_row % c->kh) * s->pitch + within,
            .run = some,
        };
        *at += some;
        room -= some;
    }
    return count;
}

typedef struct {
    int64_t t;
    int64_t row; /* of the first output */
    int64_t column;
    int64_t rows;
    int64_t columns;
    int64_t groups; /* of tile_rows columns */
} conv_tile;

/* Adds the slice's part to the sums [rows][groups][tile_rows][tile_columns] of one panel. */
static void multiply_slice(const conv *c, const slice *s, const conv_tile *tile, float *sums, const float *strip, const float *panel)
{
    const lt_cpu_kernels *kernels = c->cpu->kernels;
    const int64_t height = kernels->tile_rows;
    const int64_t width = kernels->tile_columns;
    const int64_t step = c->args->stride * s->channels; /* from output pixel to output pixel */
    lt_stretch stretch[STRETCHES_MAX];
    for (int64_t at = 0, begin = 0; begin < s->depth; begin = at) {
        const int count = next_stretches(c, s, &at, stretch);
        for (int64_t r = 0; r < tile->rows; r++)
            for (int64_t g = 0; g < tile->groups; g++)
                kernels->multiply(sums + (r * tile->groups + g) * height * width, width,
                                  strip + r * c->args->stride * s->pitch + g * height * step, step, stretch, count,
                                  panel + begin * width, s->first == 0 && begin == 0);
    }
}

static void finish_panel(const conv *c, const conv_tile *tile, const float *sums, int64_t o)
{
    const lt_cpu_kernels *kernels = c->cpu->kernels;
    const int64_t width = kernels->tile_columns;
    const int64_t outputs = c->packed->outputs;
    for (int64_t r = 0; r < tile->rows; r++) {
        const int64_t at = ((tile->t * c->out.dim[1] + tile->row + r) * c->out.dim[2] + tile->column) * outputs + o;
        const lt_finish finish = {
            .bias = c->bias == NULL ? NULL : c->bias + o,
            .add = lt_is_none(&c->args->add) ? NULL : lt_at(&c->args->add, at),
            .add_stride = outputs,
            .add_type = c->args->add.dtype,
        };
        kernels->finish(lt_at(&c->out, at), c->out.dtype, outputs, sums + r * tile->groups * kernels->tile_rows * width, width,
                        tile->columns, lt_min(width, outputs - o), &finish);
    }
}

static int64_t strip_floats(const conv *c, int64_t channels)
{
    return c->kt * c->strip_rows * c->strip_columns * lt_min(channels, LT_CONV_SLICE);
}

static void convolve_tile(void *user, int64_t index, int worker)
{
    const conv *c = user;
    const int64_t height = c->cpu->kernels->tile_rows;
    const int64_t width = c->cpu->kernels->tile_columns;
    const int64_t channels = c->x.dim[3];
    conv_tile tile = {
        .t = index / c->column_tiles / c->row_tiles,
        .row = index / c->column_tiles % c->row_tiles * c->rows,
        .column = index % c->column_tiles * c->groups * height,
    };
    tile.rows = lt_min(c->rows, c->out.dim[1] - tile.row);
    tile.columns = lt_min(c->groups * height, c->out.dim[2] - tile.column);
    tile.groups = lt_ceil_div(tile.columns, height);

    float *strip = lt_worker_scratch(c->cpu, worker);
    float *all_sums = strip + strip_floats(c, channels); /* [panels][rows][groups][height][width], or of one panel */
    const bool one_slice = channels <= LT_CONV_SLICE;
    for (int64_t first = 0; first < channels; first += LT_CONV_SLICE) {
        slice s = {.first = first, .channels = lt_min(LT_CONV_SLICE, channels - first)};
        s.pitch = c->strip_columns * s.channels;
        s.depth = c->packed->depth / channels * s.channels;
        fill_strip(c, &s, strip, tile.t, tile.row, tile.column);
        for (int64_t o = 0; o < c->packed->outputs; o += width) {
            float *sums = all_sums + (one_slice ? 0 : o * tile.rows * tile.groups * height);
            const int64_t panel_at = o * c->packed->depth + c->packed->depth / channels * first * width;
            multiply_slice(c, &s, &tile, sums, strip, c->packed->panels + panel_at);
            if (first + s.channels == channels)
                finish_panel(c, &tile, sums, o);
        }
    }
}

/* ---- the shape of a tile ---- */

static void size_strip(conv *c)
{
    c->strip_rows = (c->rows - 1) * c->args->stride + c->kh;
    c->strip_columns = (c->groups * c->cpu->kernels->tile_rows - 1) * c->args->stride + c->kw;
}

/* What a tile takes of the worker's scratch. */
static int64_t tile_bytes(const conv *c)
{
    const int64_t outputs = c->x.dim[3] <= LT_CONV_SLICE ? 1 : c->packed->outputs;
    const int64_t panels = lt_ceil_div(outputs, c->cpu->kernels->tile_columns);
    const int64_t sums = panels * c->cpu->kernels->tile_columns * c->rows * c->groups * c->cpu->kernels->tile_rows;
    return (strip_floats(c, c->x.dim[3]) + sums) * (int64_t)sizeof(float);
}

static bool is_too_large(const conv *c)
{
    return strip_floats(c, c->x.dim[3]) * (int64_t)sizeof(float) > STRIP_BYTES_MAX || tile_bytes(c) > LT_WORKER_SCRATCH;
}

/* As wide as the target, then as many rows as make enough pixels; less of both where the strip would leave the cache. */
static void choose_tile(conv *c)
{
    const int64_t height = c->cpu->kernels->tile_rows;
    c->groups = lt_ceil_div(lt_min(c->out.dim[2], TILE_COLUMNS_TARGET), height);
    c->rows = lt_min(c->out.dim[1], lt_ceil_div(TILE_PIXELS_TARGET, c->groups * height));
    size_strip(c);
    while (is_too_large(c) && (c->rows > 1 || c->groups > 1)) {
        if (c->rows > 2 || c->groups == 1)
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
    if (tile_bytes(&c) > LT_WORKER_SCRATCH)
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
