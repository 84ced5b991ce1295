/* cpu_winograd.c - convolutions of 3 x 3 pixels in f32 with 16 multiplications where the definition
 * has 36.
 *
 * Winograd's F(2x2, 3x3): two by two outputs from a patch d of 4 x 4 inputs and the taps g of an
 * input and output channel,
 *
 *     A^T [ sum over frames and input channels of  (G g G^T) * (B^T d B) ] A,  * element by element
 *
 * so that each of the 16 elements is a matrix product of its own over [frames x channels]:
 *
 *     left[16][slot][patches][channels]   .   panels[16][kt][channels][columns]
 *                                           ->   sums[16][panels][patches][columns]
 *
 * G g G^T is computed at load, in double. A tile is some patches side by side and below each other,
 * of one frame after the other: a frame that was transformed stays in its slot for the kt outputs
 * that see it. Many input channels are summed slice by slice; then a tile is of one frame. Patches
 * begin at even rows and columns of the output, so tiles change no byte. The sums of an output are
 * of numbers up to four times larger than its terms: about twice the rounding errors of the plain
 * sum.
 */
#include <assert.h>

#include "kernels/cpu/conv_image.h"

enum {
    ELEMENTS = 16,     /* of a patch */
    KT_MAX = 8,        /* frames of a kernel */
    SLICE_DEPTH = 192, /* kt x channels of a slice, where the product goes so deep */
    CHANNEL_STEP = 16, /* a slice is whole vectors of any instruction set */
    ACROSS = 12,       /* patches of a tile, side by side; */
    PATCHES_MIN = 24,  /* in all: as many as there is room for, */
    PATCHES_MAX = 96,
    TILES = 32 /* as long as there are so many tiles to share */
};

typedef struct {
    const lt_cpu *cpu;
    const lt_product *kernel;
    lt_conv_image image;
    lt_tensor out; /* [T, H', W', Cout] */
    const lt_weight *w;
    const lt_cpu_weight *packed;
    const float *bias;
    int64_t slice;  /* input channels that are summed at once */
    int64_t panels; /* of kernel->columns outputs */
    int64_t across; /* patches of a tile */
    int64_t down;
    int64_t frames; /* of a tile */
    int64_t column_tiles;
    int64_t row_tiles;
} winograd;

/* ---- weights ---- */

static int64_t slice_of(const lt_product *p, lt_shape shape)
{
    const int64_t fit = lt_min(p->depth, SLICE_DEPTH) / shape.dim[2] / CHANNEL_STEP * CHANNEL_STEP;
    return lt_min(shape.dim[1], fit);
}

bool lt_winograd_fits(const lt_product *p, lt_shape shape)
{
    return p->type == LT_F32 && shape.dim[3] == 3 && shape.dim[4] == 3 &&
           shape.dim[1] % CHANNEL_STEP == 0 && shape.dim[2] <= KT_MAX && slice_of(p, shape) > 0;
}

int64_t lt_winograd_panel_values(const lt_product *p, lt_shape shape)
{
    return ELEMENTS * shape.dim[1] * shape.dim[2] * lt_ceil_div(shape.dim[0], p->columns) *
           p->columns;
}

/* The panels of slice `first` begin behind those of the slices before it. */
static int64_t panel_at(const lt_product *p, lt_shape shape, int64_t first, int64_t channels,
                        int64_t element, int64_t panel)
{
    const int64_t panels = lt_ceil_div(shape.dim[0], p->columns);
    return shape.dim[2] * p->columns *
           (ELEMENTS * panels * first + (element * panels + panel) * channels);
}

/* to[4i + j] = (G g G^T)[i][j], `pitch` apart; G = (1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1). */
static void transform_taps(float *to, int64_t pitch, const double tap[9])
{
    double half[4][3];
    for (int j = 0; j < 3; j++) {
        half[0][j] = tap[j];
        half[1][j] = (tap[j] + tap[3 + j] + tap[6 + j]) / 2;
        half[2][j] = (tap[j] - tap[3 + j] + tap[6 + j]) / 2;
        half[3][j] = tap[6 + j];
    }
    for (int i = 0; i < 4; i++, to += 4 * pitch) {
        to[0] = (float)half[i][0];
        to[pitch] = (float)((half[i][0] + half[i][1] + half[i][2]) / 2);
        to[2 * pitch] = (float)((half[i][0] - half[i][1] + half[i][2]) / 2);
        to[3 * pitch] = (float)half[i][2];
    }
}

void lt_winograd_pack(const lt_product *p, const lt_weight *w, lt_shape shape, float *panels,
                      float *room)
{
    const int64_t kt = shape.dim[2];
    const int64_t slice = slice_of(p, shape);
    for (int64_t first = 0; first < shape.dim[1]; first += slice) {
        const int64_t channels = lt_min(slice, shape.dim[1] - first);
        const int64_t depth = kt * channels;
        for (int64_t o = 0; o < shape.dim[0]; o += p->columns) {
            const int64_t outputs = lt_min(p->columns, shape.dim[0] - o);
            for (int64_t i = 0; i < outputs * depth; i++) { /* room[16][outputs][kt][channels] */
                const int64_t channel = first + i % channels;
                const int64_t filter =
                    ((o + i / depth) * shape.dim[1] + channel) * kt + i % depth / channels;
                double tap[9];
                for (int j = 0; j < 9; j++)
                    tap[j] = (double)lt_stored_value(&w->value, filter * 9 + j);
                transform_taps(room + i, outputs * depth, tap);
            }
            for (int64_t element = 0; element < ELEMENTS; element++)
                p->pack(panels + panel_at(p, shape, first, channels, element, o / p->columns),
                        room + element * outputs * depth, LT_F32, depth, outputs, depth);
        }
    }
}

/* ---- a tile ---- */

/* The worker's scratch, in floats; planes are a little more than their contents apart, so that the
 * 16 of a patch do not fall into one cache set. */
typedef struct {
    int64_t patches; /* whole groups of the product's rows */
    int64_t left_plane;
    int64_t sums_plane;
    int64_t strip_row;
    int64_t sums; /* where they begin, */
    int64_t strip;
    int64_t picture;
    int64_t all;
} layout;

static layout layout_of(const winograd *c)
{
    const lt_product *kernel = c->kernel;
    layout l = {.patches = lt_ceil_div(c->across * c->down, kernel->rows) * kernel->rows};
    l.left_plane = c->image.kt * l.patches * c->slice + LT_ROW_GAP;
    l.sums_plane = c->panels * l.patches * kernel->columns + LT_ROW_GAP;
    l.strip_row = (2 * c->across + 2) * c->slice;
    l.sums = ELEMENTS * l.left_plane;
    l.strip = l.sums + ELEMENTS * l.sums_plane;
    l.picture = l.strip + (2 * c->down + 2) * l.strip_row;
    l.all = l.picture + 2 * 2 * c->across * kernel->columns;
    return l;
}

/* Where a tile lies; sizes in patches. */
typedef struct {
    int64_t row; /* of the first output */
    int64_t column;
    int64_t down;
    int64_t across;
    float *scratch;
    layout at;
} conv_tile;

static int64_t slot_of(const winograd *c, int64_t t)
{
    return (t + c->image.kt) % c->image.kt;
}

/* What a tile reads of a frame: pixels of f32, `row` and `pixel` values apart. */
typedef struct {
    const float *at;
    int64_t row;
    int64_t pixel;
} window;

/* The image itself where the tile lies inside of it; else a copy in
 * the strip, with zeros around. */
static window window_of(const winograd *c, const conv_tile *tile, const void *frame, int64_t first,
                        int64_t channels)
{
    const lt_tensor *x = &c->image.x;
    const int64_t y0 = tile->row - c->image.args->pad_top;
    const int64_t rows = 2 * tile->down + 2;
    const lt_conv_span span = {.first = first,
                               .channels = channels,
                               .x0 = tile->column - c->image.args->pad_left,
                               .columns = 2 * tile->across + 2};
    const bool inside =
        y0 >= 0 && y0 + rows <= x->dim[1] && span.x0 >= 0 && span.x0 + span.columns <= x->dim[2];
    if (inside && x->dtype == LT_F32)
        return (window){.at = (const float *)frame + y0 * x->stride[1] + span.x0 * x->stride[2] +
                              first,
                        .row = x->stride[1],
                        .pixel = x->stride[2]};
    float *strip = tile->scratch + tile->at.strip;
    const window copy = {.at = strip, .row = span.columns * channels, .pixel = channels};
    for (int64_t y = 0; y < rows; y++)
        lt_conv_row(&c->image, c->kernel, &span, frame, y0 + y, (char *)(strip + y * copy.row));
    return copy;
}

/* Transforms `channels` channels of frame t into its slot. */
static void transform_frame(const winograd *c, const conv_tile *tile, int64_t t, int64_t first,
                            int64_t channels)
{
    const window from = window_of(c, tile, lt_conv_frame(&c->image, t), first, channels);
    float *left = tile->scratch + slot_of(c, t) * tile->at.patches * channels;
    for (int64_t row = 0; row < tile->down; row++)
        c->cpu->kernels->winograd_in(left + row * tile->across * channels, tile->at.left_plane,
                                     from.at + 2 * row * from.row, from.row, from.pixel,
                                     tile->across, channels);
}

/* Adds the slice's part to the sums of frame t. */
static void multiply_slice(const winograd *c, const conv_tile *tile, int64_t t, int64_t first,
                           int64_t channels)
{
    const lt_product *kernel = c->kernel;
    const int64_t kt = c->image.kt;
    const int64_t groups = lt_ceil_div(tile->across * tile->down, kernel->rows);
    lt_stretch stretch[KT_MAX];
    for (int64_t j = 0; j < kt; j++)
        stretch[j] = (lt_stretch){
            .offset = slot_of(c, t - (kt - 1) + j) * tile->at.patches * channels, .run = channels};
    const float *panels = c->packed->panels;
    for (int64_t element = 0; element < ELEMENTS; element++)
        for (int64_t panel = 0; panel < c->panels; panel++)
            for (int64_t g = 0; g < groups; g++)
                kernel->multiply(
                    tile->scratch + tile->at.sums + element * tile->at.sums_plane +
                        (panel * tile->at.patches + g * kernel->rows) * kernel->columns,
                    kernel->columns,
                    tile->scratch + element * tile->at.left_plane + g * kernel->rows * channels,
                    channels, stretch, (int)kt,
                    panels + panel_at(kernel, c->packed->shape, first, channels, element, panel),
                    first == 0);
}

/* The outputs of frame t of a row of patches, of one panel. */
static void finish_row(const winograd *c, const conv_tile *tile, int64_t t, int64_t row,
                       int64_t panel)
{
    const lt_product *kernel = c->kernel;
    const int64_t outputs = c->packed->outputs;
    const int64_t o = panel * kernel->columns;
    const int64_t pitch = 2 * tile->across * kernel->columns;
    float *picture = tile->scratch + tile->at.picture;
    c->cpu->kernels->winograd_out(picture, pitch,
                                  tile->scratch + tile->at.sums +
                                      (panel * tile->at.patches + row * tile->across) *
                                          kernel->columns,
                                  tile->at.sums_plane, tile->across, kernel->columns);
    for (int64_t i = 0; i < 2 && tile->row + 2 * row + i < c->out.dim[1]; i++) {
        const int64_t at =
            ((t * c->out.dim[1] + tile->row + 2 * row + i) * c->out.dim[2] + tile->column) *
                outputs +
            o;
        const lt_tensor *add = &c->image.args->add;
        const lt_finish finish = {
            .scale = lt_scales(c->w, o),
            .bias = c->bias == NULL ? NULL : c->bias + o,
            .add = lt_is_none(add) ? NULL : lt_at(add, at),
            .add_stride = outputs,
            .add_type = add->dtype,
        };
        c->cpu->kernels->finish(lt_at(&c->out, at), c->out.dtype, outputs, picture + i * pitch,
                                kernel->columns,
                                lt_min(2 * tile->across, c->out.dim[2] - tile->column),
                                lt_min(kernel->columns, outputs - o), &finish);
    }
}

static void convolve_tile(void *user, int64_t index, int worker)
{
    const winograd *c = user;
    const int64_t kt = c->image.kt;
    const int64_t channels = c->image.x.dim[3];
    const int64_t row = index / c->column_tiles % c->row_tiles * c->down;
    const int64_t column = index % c->column_tiles * c->across;
    const conv_tile tile = {
        .row = 2 * row,
        .column = 2 * column,
        .down = lt_min(c->down, lt_ceil_div(c->out.dim[1], 2) - row),
        .across = lt_min(c->across, lt_ceil_div(c->out.dim[2], 2) - column),
        .scratch = lt_worker_scratch(c->cpu, worker),
        .at = layout_of(c),
    };
    const int64_t begin = index / c->column_tiles / c->row_tiles * c->frames;
    const int64_t end = lt_min(begin + c->frames, c->out.dim[0]);
    for (int64_t t = begin; t < end; t++) {
        for (int64_t first = 0; first < channels; first += c->slice) {
            const int64_t some = lt_min(c->slice, channels - first);
            for (int64_t seen = t == begin ? t - (kt - 1) : t; seen <= t; seen++)
                transform_frame(c, &tile, seen, first, some);
            multiply_slice(c, &tile, t, first, some);
        }
        for (int64_t panel = 0; panel < c->panels; panel++)
            for (int64_t y = 0; y < tile.down; y++)
                finish_row(c, &tile, t, y, panel);
    }
}

/* ---- the shape of tiles ---- */

static bool fits_scratch(const winograd *c)
{
    return layout_of(c).all * (int64_t)sizeof(float) <= LT_WORKER_SCRATCH;
}

/* As wide as the target, then as high as makes enough patches, less of both where the scratch is
 * too small; then as many frames one after the other as leave enough tiles. */
static bool choose_tile(winograd *c)
{
    const int64_t T = c->out.dim[0];
    const int64_t rows = lt_ceil_div(c->out.dim[1], 2);
    const int64_t columns = lt_ceil_div(c->out.dim[2], 2);
    const int64_t share = T * rows * columns / TILES;
    const int64_t patches = share < PATCHES_MIN ? PATCHES_MIN : lt_min(share, PATCHES_MAX);
    c->across = lt_ceil_div(columns, lt_ceil_div(columns, ACROSS));
    c->down = lt_min(rows, lt_ceil_div(patches, c->across));
    while (!fits_scratch(c) && (c->down > 1 || c->across > 1)) {
        if (c->down > 1)
            c->down--;
        else
            c->across--;
    }
    assert(c->down >= 1 && c->across >= 1); /* nothing is empty */
    c->row_tiles = lt_ceil_div(rows, c->down);
    c->column_tiles = lt_ceil_div(columns, c->across);
    const bool one_slice = c->image.x.dim[3] <= c->slice;
    const int64_t runs =
        one_slice ? lt_min(T, lt_ceil_div(TILES, c->row_tiles * c->column_tiles)) : T;
    c->frames = lt_ceil_div(T, runs);
    return fits_scratch(c);
}

lt_status lt_cpu_winograd(const lt_cpu *cpu, lt_tensor out, lt_tensor x, const lt_weight *w,
                          const lt_weight *bias, const lt_conv_args *a, lt_error *err)
{
    const lt_cpu_weight *packed = w->packed;
    winograd c = {
        .cpu = cpu,
        .kernel = lt_conv_product(cpu, x.dtype, packed->outputs),
        .image = {.x = x, .args = a, .kt = packed->shape.dim[2]},
        .out = out,
        .w = w,
        .packed = packed,
        .bias = lt_vector(bias),
    };
    c.slice = slice_of(c.kernel, packed->shape);
    c.panels = lt_ceil_div(packed->outputs, c.kernel->columns);
    if (!choose_tile(&c))
        return lt_fail(err, LT_ERR_FAILED, "conv: %lld outputs do not fit the scratch",
                       (long long)packed->outputs);
    lt_cpu_run(cpu, lt_ceil_div(out.dim[0], c.frames) * c.row_tiles * c.column_tiles, convolve_tile,
               &c, lt_numel(&out) * packed->depth / 16);
    return LT_OK;
}
