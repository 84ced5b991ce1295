/* cpu_linear.c - out = act(x . W^T + bias), and rows of a table.
 *
 * Many rows: blocks of rows x 256 columns. Of each block, some hundred inputs at a time, rows of x
 * are laid out for the product, W is taken from its panels (or packed on the way, panel by panel),
 * and the sums stay in the worker's scratch until the depth is through. Where rows of x are rounded
 * for the product that is done once, before all blocks of columns. Few rows (a step of the language
 * model): W is streamed once from where it is stored, each output a dot product.
 */
#include "kernels/cpu/cpu_backend.h"

/* ---- many rows ---- */

enum {
    ROWS_PACKED = 96,              /* of a block at most: x and sums take 200 KB of the L2 cache */
    LEFT_UNPACKED = 256 * 416 * 4, /* bytes, where packing W has to pay: 256 rows with AVX2, 512 of
                                      bf16 */
    ROWS_ROUNDED = 16,             /* of a tile that rounds x */
    COLUMNS = 256
};

typedef struct {
    const lt_cpu *cpu;
    const lt_product *kernel;
    lt_tensor out;
    lt_tensor x;
    const lt_weight *w;
    const lt_cpu_weight *packed;
    const float *bias;
    lt_act act;
    int64_t block_rows; /* a multiple of kernel->rows */
    int64_t column_blocks;
    bool fetches; /* what the next panel is made from is asked for early */
    /* Of products that round x: its rows first_row .. first_row + rounded_rows - 1,
     * [pieces][rounded_rows][pitch]. */
    char *rounded;
    int64_t first_row;
    int64_t rounded_rows;
} product;

/* Where a tile of the product lies. */
typedef struct {
    int64_t row;
    int64_t column;
    int64_t rows;
    int64_t columns;
} block;

/* Elements between the rows of a block of x. */
static int64_t pitch_of(const lt_product *kernel)
{
    return kernel->unit > 0 ? kernel->left_pitch / (int64_t)lt_dtype_bytes(kernel->type)
                            : kernel->depth + LT_ROW_GAP;
}

static lt_finish finish_from(const product *p, int64_t column)
{
    return (lt_finish){.scale = lt_scales(p->w, column),
                       .bias = p->bias == NULL ? NULL : p->bias + column,
                       .act = p->act};
}

static void finish_group(const product *p, const block *at, int64_t group, int64_t column,
                         const float *sum)
{
    const lt_product *kernel = p->kernel;
    const int64_t row = at->row + group * kernel->rows;
    const lt_finish finish = finish_from(p, at->column + column);
    p->cpu->kernels->finish(lt_at(&p->out, row * p->out.stride[0] + at->column + column),
                            p->out.dtype, p->out.stride[0], sum, kernel->columns,
                            lt_min(kernel->rows, at->rows - group * kernel->rows),
                            lt_min(kernel->columns, at->columns - column), &finish);
}

/* Lays out the piece from input k on of some rows of x. */
static void load_piece(const product *p, int64_t row, int64_t rows, int64_t k, int64_t some,
                       char *left)
{
    enum { AHEAD = 4 }; /* rows: their pieces lie far apart */
    const int64_t row_bytes = p->x.stride[0] * (int64_t)lt_dtype_bytes(p->x.dtype);
    const int64_t piece_bytes = some * (int64_t)lt_dtype_bytes(p->x.dtype);
    const int64_t pitch = lt_product_bytes(p->kernel, pitch_of(p->kernel));
    for (int64_t r = 0; r < rows; r++) {
        const char *from = lt_at(&p->x, (row + r) * p->x.stride[0] + k);
        lt_fetch(from + AHEAD * row_bytes, piece_bytes);
        p->kernel->load(left + r * pitch, from, p->x.dtype, some);
    }
}

static char *rounded_piece(const product *p, int64_t row, int64_t k)
{
    const int64_t at = k / p->kernel->depth * p->rounded_rows + row - p->first_row;
    return p->rounded + lt_product_bytes(p->kernel, at * pitch_of(p->kernel));
}

static void round_block(void *user, int64_t tile, int worker)
{
    (void)worker;
    const product *p = user;
    const int64_t depth = p->packed->depth;
    const int64_t row = p->first_row + tile * ROWS_ROUNDED;
    const int64_t rows =
        lt_min(ROWS_ROUNDED, lt_min(p->first_row + p->rounded_rows, p->x.dim[0]) - row);
    for (int64_t k = 0; k < depth; k += p->kernel->depth)
        load_piece(p, row, rows, k, lt_min(p->kernel->depth, depth - k), rounded_piece(p, row, k));
}

/* Asks for part `part` of `parts` of what the panel after the one at column c and input k is made
 * from. That comes to the L2 cache: L1 is full of the panel at hand. */
static void fetch_next(const product *p, const block *at, int64_t c, int64_t k, int64_t part,
                       int64_t parts)
{
    enum { LINE = 64, L2 = 2 };
    const int64_t columns = p->kernel->columns;
    const bool below = c + columns >= at->columns; /* of the next inputs */
    const int64_t input = below ? k + p->kernel->depth : k;
    if (!p->fetches || input >= p->packed->depth)
        return;
    const int64_t column = below ? 0 : c + columns;
    const int64_t count = lt_min(columns, at->columns - column);
    const int64_t bytes = lt_stored_bytes(p->w, lt_min(p->kernel->depth, p->packed->depth - input));
    for (int64_t r = part * count / parts; r < (part + 1) * count / parts; r++)
        for (int64_t i = 0; i < bytes; i += LINE)
            __builtin_prefetch((const char *)lt_stored_at(p->w, at->column + column + r, input) + i,
                               0, L2);
}

static void multiply_block(void *user, int64_t tile, int worker)
{
    const product *p = user;
    const lt_product *kernel = p->kernel;
    const int64_t depth = p->packed->depth;
    const int64_t pitch = pitch_of(kernel);
    block at = {.row = p->first_row + tile / p->column_blocks * p->block_rows,
                .column = tile % p->column_blocks * COLUMNS};
    at.rows = lt_min(p->block_rows, p->x.dim[0] - at.row);
    at.columns = lt_min(COLUMNS, p->packed->outputs - at.column);
    const int64_t groups = lt_ceil_div(at.rows, kernel->rows);

    /* [block_rows][pitch] of x unless it was rounded before, [depth][columns] of a panel, [columns
     * / panel][groups][rows][panel] sums */
    char *left = lt_worker_scratch(p->cpu, worker);
    char *room = left + (p->rounded != NULL ? 0 : lt_product_bytes(kernel, p->block_rows * pitch));
    float *sums = (float *)(void *)(room + lt_matrix_room(kernel, p->w));
    lt_begin_products(kernel);
    for (int64_t k = 0; k < depth; k += kernel->depth) {
        const int64_t some = lt_min(kernel->depth, depth - k);
        const lt_stretch stretch = {.offset = 0, .run = lt_padded_depth(kernel, some)};
        if (p->rounded != NULL)
            left = rounded_piece(p, at.row, k);
        else
            load_piece(p, at.row, at.rows, k, some, left);
        for (int64_t c = 0; c < at.columns; c += kernel->columns) {
            const void *panel = lt_matrix_panel(p->cpu, kernel, p->w, at.column + c, k, some, room);
            for (int64_t g = 0; g < groups; g++) {
                float *sum = sums + (c * groups + g * kernel->columns) * kernel->rows;
                fetch_next(p, &at, c, k, g, groups);
                const bool half =
                    kernel->multiply_half != NULL && at.rows - g * kernel->rows <= kernel->rows / 2;
                (half ? kernel->multiply_half : kernel->multiply)(
                    sum, kernel->columns, left + lt_product_bytes(kernel, g * kernel->rows * pitch),
                    pitch, &stretch, 1, panel, k == 0);
                if (k + some == depth)
                    finish_group(p, &at, g, c, sum);
            }
        }
    }
    lt_end_products(kernel);
}

static void multiply_blocks(product *p, int64_t rows)
{
    const int64_t tiles = lt_ceil_div(rows, p->block_rows) * p->column_blocks;
    lt_cpu_run(p->cpu, tiles, multiply_block, p, rows * p->packed->depth * p->packed->outputs / 8);
}

/* x is rounded once for all columns, as many blocks of rows at a time as `room` rows are. */
static void multiply_rounded(product *p, int64_t room)
{
    p->rounded = lt_rounded_scratch(p->cpu);
    p->block_rows = lt_min(p->block_rows, room / p->kernel->rows * p->kernel->rows);
    p->rounded_rows =
        lt_min(room / p->block_rows, lt_ceil_div(p->x.dim[0], p->block_rows)) * p->block_rows;
    for (; p->first_row < p->x.dim[0]; p->first_row += p->rounded_rows) {
        const int64_t rows = lt_min(p->rounded_rows, p->x.dim[0] - p->first_row);
        lt_cpu_run(p->cpu, lt_ceil_div(rows, ROWS_ROUNDED), round_block, p,
                   rows * p->packed->depth);
        multiply_blocks(p, rows);
    }
}

static void multiply_many(product *p)
{
    const lt_product *kernel = p->kernel;
    const int64_t pitch = lt_product_bytes(kernel, pitch_of(kernel));
    const bool packed = p->packed->panels != NULL && p->packed->panel_type == kernel->type;
    const int64_t rows = packed ? ROWS_PACKED : LEFT_UNPACKED / pitch;
    p->fetches = kernel->fetches && !packed;
    p->block_rows = rows / kernel->rows * kernel->rows;
    p->column_blocks = lt_ceil_div(p->packed->outputs, COLUMNS);
    const int64_t room =
        (int64_t)p->cpu->rounded_bytes / (lt_ceil_div(p->packed->depth, kernel->depth) * pitch);
    if (kernel->unit > 0 && p->column_blocks > 1 && room >= kernel->rows)
        multiply_rounded(p, room);
    else
        multiply_blocks(p, p->x.dim[0]);
}

/* ---- few rows ---- */

typedef struct {
    const product *p;
    const float *x;                         /* [rows][depth], f32, shared by all tiles */
    lt_rounded_row rounded[LT_VECTOR_ROWS]; /* the same, for q4 and perhaps q8 */
    int64_t least;                          /* outputs of a piece of W */
} stream;

enum {
    STREAM_BYTES = 1 << 16, /* of the least piece of W */
    STREAM_OUTPUTS_MAX = 4096
};

/* Outputs of the piece that `left` ones begin with: many at first, for long streams from memory,
 * and fewer and fewer, so that threads end together. A sum is the same in any piece. */
static int64_t outputs_of_piece(const stream *s, int64_t left)
{
    const int64_t share = left / (2 * (int64_t)lt_pool_threads(s->p->cpu->base.pool)) / 4 * 4;
    return lt_min(left, share < s->least ? s->least : lt_min(share, STREAM_OUTPUTS_MAX));
}

static int64_t first_of_piece(const stream *s, int64_t piece)
{
    int64_t first = 0;
    for (; piece > 0; piece--)
        first += outputs_of_piece(s, s->p->packed->outputs - first);
    return first;
}

static int64_t pieces_of(const stream *s)
{
    int64_t pieces = 0;
    for (int64_t first = 0; first < s->p->packed->outputs; pieces++)
        first += outputs_of_piece(s, s->p->packed->outputs - first);
    return pieces;
}

static void multiply_stream(void *user, int64_t piece, int worker)
{
    const stream *s = user;
    const product *p = s->p;
    const lt_few_rows *few = p->cpu->few;
    const int rows = (int)p->x.dim[0];
    const int64_t depth = p->packed->depth;
    const int64_t first = first_of_piece(s, piece);
    const int64_t outputs = outputs_of_piece(s, p->packed->outputs - first);
    const lt_finish finish = finish_from(p, first);
    const void *w = lt_stored_at(p->w, first, 0);
    float *sums = lt_worker_scratch(p->cpu, worker); /* [rows][outputs] */
    if (p->w->value.dtype == LT_Q4)
        few->matrix_rounded(sums, outputs, s->rounded, rows, w, lt_block_scales(p->w, first, 0),
                            depth, outputs);
    else if (p->w->value.dtype == LT_Q8 && few->matrix_rounded_q8 != NULL)
        few->matrix_rounded_q8(sums, outputs, s->rounded, rows, w, lt_block_scales(p->w, first, 0),
                               depth, outputs);
    else if (p->w->value.dtype == LT_Q8)
        few->matrix_vector_q8(sums, outputs, s->x, depth, rows, w, lt_block_scales(p->w, first, 0),
                              depth, outputs);
    else
        few->matrix_vector(sums, outputs, s->x, depth, rows, w, p->w->value.dtype, depth, outputs);
    p->cpu->kernels->finish(lt_at(&p->out, first), p->out.dtype, p->out.stride[0], sums, outputs,
                            rows, outputs, &finish);
}

/* Rounds the rows of x into the room behind them. For every 16 blocks of 32, the last ones perhaps
 * of zeros, that is 21/32 of what they take for Q8 and 13/32 for Q4: more than the row itself only
 * where it is shorter than 672. */
static void round_rows(stream *s, float *room)
{
    const lt_few_rows *few = s->p->cpu->few;
    const bool wide = s->p->w->value.dtype == LT_Q8; /* codes of two bytes */
    const int64_t depth = s->p->packed->depth;
    const int64_t blocks = lt_ceil_div(depth, 16 * LT_BLOCK) * 16;
    for (int64_t r = 0; r < s->p->x.dim[0]; r++) {
        s->rounded[r] = (lt_rounded_row){
            .scale = room, .offset = room + 4 * blocks, .codes = (int8_t *)(room + 5 * blocks)};
        (wide ? few->round_row_q8 : few->round_row)(&s->rounded[r], s->x + r * depth, depth);
        room += 5 * blocks + blocks * LT_BLOCK * (wide ? 2 : 1) / (int64_t)sizeof *room;
    }
}

static void multiply_few(const product *p)
{
    const lt_cpu *cpu = p->cpu;
    const int64_t depth = p->packed->depth;
    const int64_t row_bytes = (int64_t)lt_tensor_bytes(&p->w->value) / p->packed->outputs;
    float *x = lt_shared_scratch(cpu);
    for (int64_t r = 0; r < p->x.dim[0]; r++)
        cpu->kernels->widen(x + r * depth, lt_at(&p->x, r * p->x.stride[0]), p->x.dtype, depth);
    stream s = {.p = p,
                .x = x,
                .least = lt_min(STREAM_OUTPUTS_MAX, lt_ceil_div(STREAM_BYTES, row_bytes * 4) * 4)};
    if (p->w->value.dtype == LT_Q4 ||
        (p->w->value.dtype == LT_Q8 && cpu->few->round_row_q8 != NULL))
        round_rows(&s, x + p->x.dim[0] * depth);
    lt_cpu_run(cpu, pieces_of(&s), multiply_stream, &s, depth * p->packed->outputs / 4);
}

lt_status lt_cpu_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias, lt_act act, lt_error *err)
{
    (void)err;
    const lt_cpu *cpu = lt_cpu_of(b);
    product p = {
        .cpu = cpu,
        .kernel = lt_matrix_product(cpu, x.dtype, w),
        .out = out,
        .x = x,
        .w = w,
        .packed = w->packed,
        .bias = lt_vector(bias),
        .act = act,
    };
    /* as f32, and rounded */
    const bool few = x.dim[0] <= LT_VECTOR_ROWS &&
                     x.dim[0] * p.packed->depth * 2 * (int64_t)sizeof(float) <= LT_SHARED_SCRATCH;
    if (few)
        multiply_few(&p);
    else
        multiply_many(&p);
    return LT_OK;
}

/* ---- rows of a table ---- */

typedef struct {
    const lt_cpu *cpu;
    lt_tensor out;
    const lt_weight *table;
    const int32_t *ids;
} lookup;

static void gather_row(void *user, int64_t row, int worker)
{
    (void)worker;
    const lookup *l = user;
    const lt_tensor *value = &l->table->value;
    const int64_t width = value->dim[1];
    const int64_t id = l->ids[row];
    const float scale =
        lt_is_none(&l->table->scale) ? 1 : ((const float *)l->table->scale.data)[id];
    l->cpu->kernels->axpby(lt_at(&l->out, row * l->out.stride[0]), l->out.dtype, scale,
                           lt_at(value, id * width), value->dtype, 0, NULL, LT_F32, width);
}

lt_status lt_cpu_gather(lt_backend *b, lt_tensor out, const lt_weight *table, lt_tensor ids,
                        lt_error *err)
{
    (void)err;
    lookup l = {.cpu = lt_cpu_of(b), .out = out, .table = table, .ids = ids.data};
    lt_cpu_run(l.cpu, out.dim[0], gather_row, &l, lt_numel(&out));
    return LT_OK;
}
