/* cpu_conv.c - convolution as a matrix product that reads the image itself, and nearest upsampling.
 *
 * Channels come last, so for one row of taps the kw * Cin inputs of an output pixel are consecutive
 * in memory, and those of the pixel to its right start stride * Cin further on: a row of pixels
 * *is* the left matrix of the product, with overlapping rows. A tile (one frame, some rows, some
 * columns of outputs) copies its inputs once to scratch, in the product's element type and with the
 * zeros of the padding, then multiplies:
 *
 *     strip[kt][(rows-1) stride + kh][(columns-1) stride + kw][Cin]
 *         .  panels[kt][kh][kw Cin][columns]
 *
 * With many input channels that is done for a slice of LT_CONV_SLICE channels after the other.
 * Frames before the first are read from the history, or are the first frame again; nothing is
 * copied as a whole.
 */
#include "kernels/cpu/conv_image.h"

#include <string.h>

enum {
    TILE_COLUMNS = 96,          /* outputs of a tile, side by side; */
    TILE_PIXELS_MIN = 192,      /* in all: enough to pay for reading the panels, */
    TILE_PIXELS_MAX = 768,      /* more to copy fewer rows twice, */
    TILES = 32,                 /* as long as there are so many tiles to share */
    STRIP_BYTES_MAX = 320 << 10 /* of the L2 cache */
};

typedef struct {
    const lt_cpu *cpu;
    const lt_product *kernel;
    lt_tensor out; /* [T, H', W', Cout] */
    lt_conv_image image;
    int stride;
    const lt_weight *w;
    const lt_cpu_weight *packed;
    const float *bias;
    int64_t kh;
    int64_t kw;
    int64_t rows;   /* output rows of a tile */
    int64_t groups; /* of kernel->rows output columns */
    int64_t row_tiles;
    int64_t column_tiles;
    int64_t strip_rows;
    int64_t strip_columns;
    int64_t panel_depth;
} conv;

/* ---- the strip ---- */

static int64_t pitch_of(const conv *c, const lt_conv_slice *s)
{
    return c->strip_columns * s->channels;
}

/* The last run may reach over the end by less than a step. */
static void fill_strip(const conv *c, const lt_conv_slice *s, char *strip, int64_t t,
                       int64_t first_row, int64_t first_column)
{
    const int64_t row_bytes = lt_product_bytes(c->kernel, pitch_of(c, s));
    const int64_t y0 = first_row * c->stride - c->image.args->pad_top;
    const lt_conv_span span = {.first = s->first,
                               .channels = s->channels,
                               .x0 = first_column * c->stride - c->image.args->pad_left,
                               .columns = c->strip_columns};
    for (int64_t j = 0; j < c->image.kt; j++) {
        const void *frame = lt_conv_frame(&c->image, t - (c->image.kt - 1) + j);
        for (int64_t y = 0; y < c->strip_rows; y++, strip += row_bytes)
            lt_conv_row(&c->image, c->kernel, &span, frame, y0 + y, strip);
    }
    memset(strip, 0, (size_t)lt_product_bytes(c->kernel, LT_STEP_MAX));
}

/* ---- the product ---- */

enum { STRETCHES_MAX = 64 };

/* Some tap rows, or a piece of one, that are multiplied at once. */
typedef struct {
    int64_t at; /* in the slice's depth */
    int64_t depth;
    int count;
    lt_stretch stretch[STRETCHES_MAX];
    int64_t tap_row[STRETCHES_MAX]; /* where each stretch comes from, */
    int64_t within[STRETCHES_MAX];  /* and from which input of the run on */
} portion;

/* The portion that begins where `p` ends; false at the end of the slice. */
static bool next_portion(const conv *c, const lt_conv_slice *s, portion *p)
{
    p->at += p->depth;
    p->depth = 0;
    p->count = 0;
    while (p->at + p->depth < s->depth && p->count < STRETCHES_MAX) {
        const int64_t from = p->at + p->depth;
        const int64_t tap_row = from / s->padded_run;
        const int64_t within = from % s->padded_run;
        const int64_t room = c->kernel->depth - p->depth;
        int64_t run = s->padded_run - within;
        if (run > room) {
            if (p->count > 0)
                break; /* begin the next portion with it */
            run = room;
        }
        p->tap_row[p->count] = tap_row;
        p->within[p->count] = within;
        p->stretch[p->count++] = (lt_stretch){
            .offset = (tap_row / c->kh * c->strip_rows + tap_row % c->kh) * pitch_of(c, s) + within,
            .run = run,
        };
        p->depth += run;
    }
    return p->count > 0;
}

/* The panel of a portion: part of what was packed at load, or packed into `room`, which takes the
 * weights before packing too. */
static const void *panel_of(const conv *c, const lt_conv_slice *s, const portion *p, int64_t column,
                            char *room)
{
    const lt_product *kernel = c->kernel;
    if (lt_has_panels(c->packed, LT_PANELS_ROWS, kernel))
        return (const char *)c->packed->panels +
               lt_product_bytes(kernel,
                                column * c->panel_depth + (s->at + p->at) * kernel->columns);
    const int64_t panel_bytes = lt_product_bytes(kernel, (int64_t)kernel->depth * kernel->columns);
    char *to = room;
    for (int i = 0; i < p->count; i++) {
        const int64_t run = lt_min(p->stretch[i].run, s->run - p->within[i]);
        lt_pack_conv_run(kernel, c->w, column, s, p->tap_row[i], p->within[i], run, to,
                         (float *)(void *)(room + panel_bytes));
        to += lt_product_bytes(kernel, p->stretch[i].run * kernel->columns);
    }
    return room;
}

typedef struct {
    int64_t t;
    int64_t row; /* of the first output */
    int64_t column;
    int64_t rows;
    int64_t columns;
    int64_t groups; /* of kernel->rows columns */
} conv_tile;

/* Adds the slice's part to the sums [rows][groups][kernel rows][kernel
 * columns] of the outputs from o on. */
static void multiply_slice(const conv *c, const lt_conv_slice *s, const conv_tile *tile, int64_t o,
                           float *sums, const char *strip, char *room)
{
    const lt_product *kernel = c->kernel;
    const int64_t step = c->stride * s->channels; /* from output pixel to output pixel */
    portion p = {.at = 0, .depth = 0};
    while (next_portion(c, s, &p)) {
        const void *panel = panel_of(c, s, &p, o, room);
        for (int64_t r = 0; r < tile->rows; r++)
            for (int64_t g = 0; g < tile->groups; g++) {
                const int64_t left = r * c->stride * pitch_of(c, s) + g * kernel->rows * step;
                kernel->multiply(sums + (r * tile->groups + g) * kernel->rows * kernel->columns,
                                 kernel->columns, strip + lt_product_bytes(kernel, left), step,
                                 p.stretch, p.count, panel, s->first == 0 && p.at == 0);
            }
    }
}

static void finish_outputs(const conv *c, const conv_tile *tile, const float *sums, int64_t o)
{
    const lt_product *kernel = c->kernel;
    const int64_t outputs = c->packed->outputs;
    for (int64_t r = 0; r < tile->rows; r++) {
        const int64_t at =
            ((tile->t * c->out.dim[1] + tile->row + r) * c->out.dim[2] + tile->column) * outputs +
            o;
        const lt_finish finish = {
            .scale = lt_scales(c->w, o),
            .bias = c->bias == NULL ? NULL : c->bias + o,
            .add = lt_is_none(&c->image.args->add) ? NULL : lt_at(&c->image.args->add, at),
            .add_stride = outputs,
            .add_type = c->image.args->add.dtype,
        };
        c->cpu->kernels->finish(lt_at(&c->out, at), c->out.dtype, outputs,
                                sums + r * tile->groups * kernel->rows * kernel->columns,
                                kernel->columns, tile->columns,
                                lt_min(kernel->columns, outputs - o), &finish);
    }
}

/* ---- a tile, and its shape ---- */

/* The worker's scratch, in bytes. */
typedef struct {
    int64_t strip;
    int64_t room; /* for panels that are packed on the way */
    int64_t sums;
} needs;

static needs needs_of(const conv *c)
{
    const lt_product *kernel = c->kernel;
    const int64_t channels = lt_min(c->image.x.dim[3], LT_CONV_SLICE);
    const int64_t outputs =
        c->image.x.dim[3] <= LT_CONV_SLICE
            ? kernel->columns
            : lt_ceil_div(c->packed->outputs, kernel->columns) * kernel->columns;
    const int64_t panel = (int64_t)kernel->depth * kernel->columns;
    return (needs){
        .strip = lt_product_bytes(
            kernel, c->image.kt * c->strip_rows * c->strip_columns * channels + LT_STEP_MAX),
        .room = lt_has_panels(c->packed, LT_PANELS_ROWS, kernel)
                    ? 0
                    : lt_product_bytes(kernel, panel) + panel * (int64_t)sizeof(float),
        .sums = outputs * c->rows * c->groups * kernel->rows * (int64_t)sizeof(float),
    };
}

static bool fits_scratch(const conv *c)
{
    const needs n = needs_of(c);
    return n.strip + n.room + n.sums + 2 * 64 <= LT_WORKER_SCRATCH;
}

static void convolve_tile(void *user, int64_t index, int worker)
{
    const conv *c = user;
    const lt_product *kernel = c->kernel;
    const int64_t channels = c->image.x.dim[3];
    conv_tile tile = {
        .t = index / c->column_tiles / c->row_tiles,
        .row = index / c->column_tiles % c->row_tiles * c->rows,
        .column = index % c->column_tiles * c->groups * kernel->rows,
    };
    tile.rows = lt_min(c->rows, c->out.dim[1] - tile.row);
    tile.columns = lt_min(c->groups * kernel->rows, c->out.dim[2] - tile.column);
    tile.groups = lt_ceil_div(tile.columns, kernel->rows);

    const needs n = needs_of(c);
    char *strip = lt_worker_scratch(c->cpu, worker);
    char *room = strip + lt_ceil_div(n.strip, 64) * 64;
    float *all_sums = (float *)(void *)(room + lt_ceil_div(n.room, 64) * 64);
    /* then the sums of one panel at a time are enough */
    const bool one_slice = channels <= LT_CONV_SLICE;
    lt_begin_products(kernel);
    for (int64_t first = 0; first < channels; first += LT_CONV_SLICE) {
        const lt_conv_slice s = lt_conv_slice_of(kernel, c->packed, first);
        fill_strip(c, &s, strip, tile.t, tile.row, tile.column);
        for (int64_t o = 0; o < c->packed->outputs; o += kernel->columns) {
            float *sums = all_sums + (one_slice ? 0 : o * tile.rows * tile.groups * kernel->rows);
            multiply_slice(c, &s, &tile, o, sums, strip, room);
            if (first + s.channels == channels)
                finish_outputs(c, &tile, sums, o);
        }
    }
    lt_end_products(kernel);
}

static void size_strip(conv *c)
{
    c->strip_rows = (c->rows - 1) * c->stride + c->kh;
    c->strip_columns = (c->groups * c->kernel->rows - 1) * c->stride + c->kw;
}

/* As wide as the target, then as many rows as make enough pixels; less of both where the strip
 * would leave the cache. */
static void choose_tile(conv *c)
{
    const int64_t height = c->kernel->rows;
    const int64_t share = c->out.dim[0] * c->out.dim[1] * c->out.dim[2] / TILES;
    const int64_t pixels =
        share < TILE_PIXELS_MIN ? TILE_PIXELS_MIN : lt_min(share, TILE_PIXELS_MAX);
    c->groups = lt_ceil_div(lt_min(c->out.dim[2], TILE_COLUMNS), height);
    c->rows = lt_min(c->out.dim[1], lt_ceil_div(pixels, c->groups * height));
    size_strip(c);
    while ((needs_of(c).strip > STRIP_BYTES_MAX || !fits_scratch(c)) &&
           (c->rows > 1 || c->groups > 1)) {
        if (c->rows > 2 || c->groups == 1)
            c->rows--;
        else
            c->groups--;
        size_strip(c);
    }
    c->row_tiles = lt_ceil_div(c->out.dim[1], c->rows);
    c->column_tiles = lt_ceil_div(c->out.dim[2], c->groups * height);
}

lt_status lt_cpu_conv(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                      const lt_weight *bias, const lt_conv_args *a, lt_error *err)
{
    const lt_cpu *cpu = lt_cpu_of(b);
    const lt_cpu_weight *packed = w->packed;
    const lt_product *kernel = lt_conv_product(cpu, x.dtype, packed->outputs);
    if (a->stride == 1 && lt_has_panels(packed, LT_PANELS_WINOGRAD, kernel))
        return lt_cpu_winograd(cpu, out, x, w, bias, a, err);
    conv c = {
        .cpu = cpu,
        .kernel = kernel,
        .out = out,
        .image = {.x = x, .args = a, .kt = packed->shape.dim[2]},
        .stride = a->stride,
        .w = w,
        .packed = packed,
        .bias = lt_vector(bias),
    };
    c.kh = c.packed->shape.dim[3];
    c.kw = c.packed->shape.dim[4];
    c.panel_depth = lt_conv_panel_depth(c.kernel, c.packed);
    choose_tile(&c);
    if (!fits_scratch(&c))
        return lt_fail(
            err, LT_ERR_FAILED,
            "conv: %lld channels and a kernel of %lld x %lld x %lld do not fit the scratch",
            (long long)x.dim[3], (long long)c.image.kt, (long long)c.kh, (long long)c.kw);
    lt_cpu_run(cpu, out.dim[0] * c.row_tiles * c.column_tiles, convolve_tile, &c,
               lt_numel(&out) * c.packed->depth / 8);
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
    char *to =
        lt_at(&u->out, (t * rows + tile % rows) * u->factor * columns * u->factor * u->x.dim[3]);
    char *at = to;
    for (int64_t column = 0; column < columns; column++, from += pixel)
        for (int64_t i = 0; i < u->factor; i++, at += pixel)
            memcpy(at, from, pixel);
    for (int64_t i = 1; i < u->factor; i++)
        memcpy(to + (size_t)i * line, to, line);
}

lt_status lt_cpu_upsample(lt_backend *b, lt_tensor out, lt_tensor x, int factor, lt_time_rule time,
                          lt_error *err)
{
    (void)time; /* the shape of out says it */
    (void)err;
    upsampling u = {.out = out, .x = x, .factor = factor};
    lt_cpu_run(lt_cpu_of(b), out.dim[0] * x.dim[1], upsample_row, &u, lt_numel(&out));
    return LT_OK;
}
