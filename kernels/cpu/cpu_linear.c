/* cpu_linear.c - out = act(x . W^T + bias), and rows of a table.
 *
 * Many rows: blocks of rows x 256 columns. Of each block, LT_DEPTH inputs at a time, x is widened to f32 rows, W taken from
 * its panels (or packed on the way, panel by panel), and the sums stay in the worker's scratch until the depth is through.
 * Few rows (a step of the language model): W is streamed once from where it is stored, each output a dot product.
 */
#include "kernels/cpu/cpu_backend.h"

/* ---- many rows ---- */

enum {
    ROWS_PACKED = 84,   /* rows of a block; multiples of every tile_rows. x and sums take 180 KB of the L2 cache */
    ROWS_UNPACKED = 252, /* more where packing W has to pay */
    COLUMNS = 256
};

typedef struct {
    const lt_cpu *cpu;
    lt_tensor out;
    lt_tensor x;
    const lt_weight *w;
    const lt_cpu_weight *packed;
    const float *bias;
    lt_act act;
    int64_t block_rows;
    int64_t column_blocks;
} product;

/* The panel of `column` for inputs k .. k+depth-1: a part of what was packed at load, or packed into `room`. */
static const float *panel_of(const product *p, int64_t column, int64_t k, int64_t depth, float *room)
{
    const lt_cpu_kernels *kernels = p->cpu->kernels;
    const int64_t width = kernels->tile_columns;
    if (p->packed->panels != NULL)
        return p->packed->panels + (column / width * p->packed->depth + k) * width;
    const lt_tensor *value = &p->w->value;
    const float *scale = lt_is_none(&p->w->scale) ? NULL : (const float *)p->w->scale.data + column;
    kernels->pack_panel(room, lt_at(value, column * p->packed->depth + k), value->dtype, p->packed->depth,
                        lt_min(width, p->packed->outputs - column), depth, scale);
    return room;
}

static void multiply_block(void *user, int64_t tile, int worker)
{
    const product *p = user;
    const lt_cpu_kernels *kernels = p->cpu->kernels;
    const int64_t height = kernels->tile_rows;
    const int64_t width = kernels->tile_columns;
    const int64_t first_row = tile / p->column_blocks * p->block_rows;
    const int64_t first_column = tile % p->column_blocks * COLUMNS;
    const int64_t rows = lt_min(p->block_rows, p->x.dim[0] - first_row);
    const int64_t columns = lt_min(COLUMNS, p->packed->outputs - first_column);
    const int64_t groups = lt_ceil_div(rows, height);
    const int64_t depth = p->packed->depth;

    float *left = lt_worker_scratch(p->cpu, worker);           /* [block_rows][LT_ROW_PITCH] */
    float *room = left + p->block_rows * LT_ROW_PITCH;         /* [LT_DEPTH][width] */
    float *sums = room + (int64_t)LT_DEPTH * LT_TILE_COLUMNS_MAX; /* [panels][groups][height][width] */

    for (int64_t k = 0; k < depth; k += LT_DEPTH) {
        const lt_stretch stretch = {.offset = 0, .run = lt_min(LT_DEPTH, depth - k)};
        for (int64_t r = 0; r < rows; r++)
            kernels->widen(left + r * LT_ROW_PITCH, lt_at(&p->x, (first_row + r) * p->x.stride[0] + k), p->x.dtype, stretch.run);
        for (int64_t c = 0; c < columns; c += width) {
            const float *panel = panel_of(p, first_column + c, k, stretch.run, room);
            const lt_finish finish = {.bias = p->bias == NULL ? NULL : p->bias + first_column + c, .act = p->act};
            for (int64_t g = 0; g < groups; g++) {
                float *sum = sums + (c / width * groups + g) * height * width;
                kernels->multiply(sum, width, left + g * height * LT_ROW_PITCH, LT_ROW_PITCH, &stretch, 1, panel, k == 0);
                if (k + stretch.run == depth)
                    kernels->finish(lt_at(&p->out, (first_row + g * height) * p->out.stride[0] + first_column + c), p->out.dtype,
                                    p->out.stride[0], sum, width, lt_min(height, rows - g * height), lt_min(width, columns - c),
                                    &finish);
            }
        }
    }
}

static void multiply_many(const lt_cpu *cpu, product *p)
{
    p->block_rows = p->packed->panels != NULL ? ROWS_PACKED : ROWS_UNPACKED;
    p->column_blocks = lt_ceil_div(p->packed->outputs, COLUMNS);
    const int64_t tiles = lt_ceil_div(p->x.dim[0], p->block_rows) * p->column_blocks;
    lt_cpu_run(cpu, tiles, multiply_block, p, p->x.dim[0] * p->packed->depth * p->packed->outputs / 8);
}

/* ---- few rows ---- */

typedef struct {
    const product *p;
    const float *x;  /* [rows][depth], f32, shared by all tiles */
    int64_t outputs; /* of a tile */
} stream;

enum {
    STREAM_BYTES = 1 << 16, /* of W per tile: long enough to stream, short enough to share evenly */
    STREAM_OUTPUTS_MAX = 1024
};

static void multiply_stream(void *user, int64_t tile, int worker)
{
    const stream *s = user;
    const product *p = s->p;
    const lt_tensor *w = &p->w->value;
    const int64_t rows = p->x.dim[0];
    const int64_t first = tile * s->outputs;
    const int64_t outputs = lt_min(s->outputs, p->packed->outputs - first);
    const float *scale = lt_is_none(&p->w->scale) ? NULL : (const float *)p->w->scale.data + first;
    const lt_finish finish = {.bias = p->bias == NULL ? NULL : p->bias + first, .act = p->act};
    float *sums = lt_worker_scratch(p->cpu, worker); /* [rows][outputs] */
    p->cpu->kernels->matrix_vector(sums, outputs, s->x, p->packed->depth, (int)rows, lt_at(w, first * p->packed->depth), w->dtype,
                                   p->packed->depth, outputs, scale);
    p->cpu->kernels->finish(lt_at(&p->out, first), p->out.dtype, p->out.stride[0], sums, outputs, rows, outputs, &finish);
}

static void multiply_few(const lt_cpu *cpu, const product *p)
{
    const int64_t depth = p->packed->depth;
    const int64_t row_bytes = depth * (int64_t)lt_dtype_bytes(p->w->value.dtype);
    float *x = lt_shared_scratch(cpu);
    for (int64_t r = 0; r < p->x.dim[0]; r++)
        cpu->kernels->widen(x + r * depth, lt_at(&p->x, r * p->x.stride[0]), p->x.dtype, depth);
    const int64_t outputs = lt_min(STREAM_OUTPUTS_MAX, lt_ceil_div(STREAM_BYTES, row_bytes * 4) * 4);
    stream s = {.p = p, .x = x, .outputs = outputs};
    lt_cpu_run(cpu, lt_ceil_div(p->packed->outputs, outputs), multiply_stream, &s, depth * p->packed->outputs / 4);
}

lt_status lt_cpu_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, const lt_weight *bias, lt_act act,
                        lt_error *err)
{
    (void)err;
    const lt_cpu *cpu = lt_cpu_of(b);
    product p = {.cpu = cpu, .out = out, .x = x, .w = w, .packed = w->packed, .bias = lt_vector(bias), .act = act};
    const bool few = x.dim[0] <= LT_VECTOR_ROWS && x.dim[0] * p.packed->depth * (int64_t)sizeof(float) <= LT_SHARED_SCRATCH;
    if (few)
        multiply_few(cpu, &p);
    else
        multiply_many(cpu, &p);
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
    const float scale = lt_is_none(&l->table->scale) ? 1 : ((const float *)l->table->scale.data)[id];
    l->cpu->kernels->axpby(lt_at(&l->out, row * l->out.stride[0]), l->out.dtype, scale, lt_at(value, id * width), value->dtype, 0,
                           NULL, LT_F32, width);
}

lt_status lt_cpu_gather(lt_backend *b, lt_tensor out, const lt_weight *table, lt_tensor ids, lt_error *err)
{
    (void)err;
    lookup l = {.cpu = lt_cpu_of(b), .out = out, .table = table, .ids = ids.data};
    lt_cpu_run(l.cpu, out.dim[0], gather_row, &l, lt_numel(&out));
    return LT_OK;
}
