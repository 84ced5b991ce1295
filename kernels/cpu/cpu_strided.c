/* cpu_strided.c - copy, fill and alpha x + beta y between tensors of any strides.
 *
 * The dimensions are put in the order of out's memory and merged where all tensors allow it. What
 * is left is cut into tiles of ROWS x `chunk`: lines are done by the vector kernels where they are
 * contiguous, element by element where not (there the tile is small, so that what a permuted read
 * brings into the cache is used before it is gone).
 */
#include "kernels/cpu/cpu_backend.h"

#include <string.h>

enum { ROWS = 32, CHUNK_CONTIGUOUS = 1 << 13, CHUNK_STRIDED = 256 };

typedef struct {
    int64_t size;
    int64_t out; /* strides */
    int64_t x;
    int64_t y;
} dimension;

typedef struct {
    const lt_cpu *cpu;
    lt_tensor out;
    lt_tensor x;
    lt_tensor y;
    float alpha;
    float beta;
    void (*line)(const void *walk, void *out, const void *x, const void *y, int64_t count);
    dimension dim[LT_MAX_RANK + 2]; /* outermost first; the last two are a tile's rows and line */
    int rank;
    int64_t chunk;
    int64_t row_tiles;
    int64_t chunk_tiles;
} walk;

/* ---- the order of the walk ---- */

/* Stride of y where sizes of 1 are repeated. */
static int64_t repeated_stride(const lt_tensor *t, int axis)
{
    return lt_is_none(t) || t->dim[axis] == 1 ? 0 : t->stride[axis];
}

static void order_dimensions(walk *w)
{
    int rank = 0;
    for (int axis = 0; axis < w->out.rank; axis++) {
        if (w->out.dim[axis] == 1)
            continue;
        const dimension d = {w->out.dim[axis], w->out.stride[axis], repeated_stride(&w->x, axis),
                             repeated_stride(&w->y, axis)};
        int at = rank++;
        for (; at > 0 && w->dim[at - 1].out < d.out; at--)
            w->dim[at] = w->dim[at - 1];
        w->dim[at] = d;
    }
    int merged = 0;
    for (int i = 0; i < rank; i++) {
        const dimension d = w->dim[i];
        dimension *outer = merged > 0 ? &w->dim[merged - 1] : NULL;
        if (outer != NULL && outer->out == d.out * d.size && outer->x == d.x * d.size &&
            outer->y == d.y * d.size)
            *outer = (dimension){outer->size * d.size, d.out, d.x, d.y};
        else
            w->dim[merged++] = d;
    }
    while (merged < 2) { /* a tile has rows and a line */
        memmove(w->dim + 1, w->dim, (size_t)merged * sizeof *w->dim);
        w->dim[0] = (dimension){.size = 1};
        merged++;
    }
    w->rank = merged;
}

static bool lines_are_contiguous(const walk *w)
{
    const dimension *line = &w->dim[w->rank - 1];
    return line->size == 1 || (line->out == 1 && (lt_is_none(&w->x) || line->x == 1) &&
                               (lt_is_none(&w->y) || line->y == 1));
}

static void walk_tile(void *user, int64_t tile, int worker)
{
    (void)worker;
    const walk *w = user;
    const dimension *rows = &w->dim[w->rank - 2];
    const dimension *line = &w->dim[w->rank - 1];
    const int64_t first = tile % w->chunk_tiles * w->chunk;
    const int64_t first_row = tile / w->chunk_tiles % w->row_tiles * ROWS;
    int64_t outer = tile / w->chunk_tiles / w->row_tiles;
    int64_t out = first * line->out + first_row * rows->out;
    int64_t x = first * line->x + first_row * rows->x;
    int64_t y = first * line->y + first_row * rows->y;
    for (int i = w->rank - 3; i >= 0; i--) {
        const int64_t index = outer % w->dim[i].size;
        outer /= w->dim[i].size;
        out += index * w->dim[i].out;
        x += index * w->dim[i].x;
        y += index * w->dim[i].y;
    }
    const int64_t count = lt_min(w->chunk, line->size - first);
    const int64_t last_row = lt_min(first_row + ROWS, rows->size);
    for (int64_t r = first_row; r < last_row; r++, out += rows->out, x += rows->x, y += rows->y)
        w->line(w, lt_at(&w->out, out), lt_is_none(&w->x) ? NULL : lt_at(&w->x, x),
                lt_is_none(&w->y) ? NULL : lt_at(&w->y, y), count);
}

static void run_walk(walk *w)
{
    const dimension *rows = &w->dim[w->rank - 2];
    const dimension *line = &w->dim[w->rank - 1];
    w->row_tiles = lt_ceil_div(rows->size, ROWS);
    w->chunk_tiles = lt_ceil_div(line->size, w->chunk);
    int64_t tiles = w->row_tiles * w->chunk_tiles;
    for (int i = 0; i < w->rank - 2; i++)
        tiles *= w->dim[i].size;
    lt_cpu_run(w->cpu, tiles, walk_tile, w, lt_numel(&w->out));
}

/* ---- lines ---- */

static bool is_activation(lt_dtype t)
{
    return t == LT_F32 || t == LT_BF16;
}

static void line_copy(const void *walked, void *out, const void *x, const void *y, int64_t count)
{
    (void)y;
    const walk *w = walked;
    memcpy(out, x, (size_t)count * lt_dtype_bytes(w->out.dtype));
}

static void line_axpby(const void *walked, void *out, const void *x, const void *y, int64_t count)
{
    const walk *w = walked;
    w->cpu->kernels->axpby(out, w->out.dtype, w->alpha, x, w->x.dtype, w->beta, y,
                           y == NULL ? w->x.dtype : w->y.dtype, count);
}

/* Moves elements of one size as they are. */
static void line_move(const void *walked, void *out, const void *x, const void *y, int64_t count)
{
    (void)y;
    const walk *w = walked;
    const dimension *line = &w->dim[w->rank - 1];
    const size_t bytes = lt_dtype_bytes(w->out.dtype);
    if (bytes == 4) {
        uint32_t *to = out;
        const uint32_t *from = x;
        for (int64_t i = 0; i < count; i++)
            to[i * line->out] = from[i * line->x];
    } else if (bytes == 2) {
        uint16_t *to = out;
        const uint16_t *from = x;
        for (int64_t i = 0; i < count; i++)
            to[i * line->out] = from[i * line->x];
    } else {
        for (int64_t i = 0; i < count; i++)
            memcpy((char *)out + (size_t)(i * line->out) * bytes,
                   (const char *)x + (size_t)(i * line->x) * bytes, bytes);
    }
}

static float load(const void *p, lt_dtype type, int64_t i)
{
    if (type == LT_F32)
        return ((const float *)p)[i];
    if (type == LT_BF16)
        return lt_bf16_to_f32(((const uint16_t *)p)[i]);
    return (float)lt_load_element(p, type, i);
}

static void store(void *p, lt_dtype type, int64_t i, float value)
{
    if (type == LT_F32)
        ((float *)p)[i] = value;
    else if (type == LT_BF16)
        ((uint16_t *)p)[i] = lt_f32_to_bf16(value);
    else
        lt_store_element(p, type, i, (double)value);
}

static void line_strided(const void *walked, void *out, const void *x, const void *y, int64_t count)
{
    const walk *w = walked;
    const dimension *line = &w->dim[w->rank - 1];
    for (int64_t i = 0; i < count; i++) {
        float sum = w->alpha * load(x, w->x.dtype, i * line->x);
        if (y != NULL)
            sum += w->beta * load(y, w->y.dtype, i * line->y);
        store(out, w->out.dtype, i * line->out, sum);
    }
}

/* Between float formats of which one is f64: through double, so that nothing is lost on the way. */
static void line_double(const void *walked, void *out, const void *x, const void *y, int64_t count)
{
    (void)y;
    const walk *w = walked;
    const dimension *line = &w->dim[w->rank - 1];
    for (int64_t i = 0; i < count; i++)
        lt_store_element(out, w->out.dtype, i * line->out,
                         lt_load_element(x, w->x.dtype, i * line->x));
}

static void line_fill(const void *walked, void *out, const void *x, const void *y, int64_t count)
{
    (void)x;
    (void)y;
    const walk *w = walked;
    const dimension *line = &w->dim[w->rank - 1];
    for (int64_t i = 0; i < count; i++)
        store(out, w->out.dtype, i * line->out, w->alpha);
}

/* ---- the entries ---- */

lt_status lt_cpu_axpby(lt_backend *b, lt_tensor out, float alpha, lt_tensor x, float beta,
                       lt_tensor y, lt_error *err)
{
    (void)err;
    walk w = {.cpu = lt_cpu_of(b), .out = out, .x = x, .y = y, .alpha = alpha, .beta = beta};
    order_dimensions(&w);
    const bool contiguous = lines_are_contiguous(&w);
    w.chunk = contiguous ? CHUNK_CONTIGUOUS : CHUNK_STRIDED;
    w.line = contiguous ? line_axpby : line_strided;
    run_walk(&w);
    return LT_OK;
}

lt_status lt_cpu_copy(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    (void)err;
    walk w = {.cpu = lt_cpu_of(b), .out = out, .x = x, .y = lt_none(), .alpha = 1};
    order_dimensions(&w);
    const bool contiguous = lines_are_contiguous(&w);
    w.chunk = contiguous ? CHUNK_CONTIGUOUS : CHUNK_STRIDED;
    if (out.dtype == x.dtype)
        w.line = contiguous ? line_copy : line_move;
    else if (out.dtype == LT_F64 || x.dtype == LT_F64)
        w.line = line_double;
    else
        w.line = contiguous && is_activation(out.dtype) ? line_axpby : line_strided;
    run_walk(&w);
    return LT_OK;
}

lt_status lt_cpu_fill(lt_backend *b, lt_tensor out, float value, lt_error *err)
{
    (void)err;
    walk w = {.cpu = lt_cpu_of(b), .out = out, .x = lt_none(), .y = lt_none(), .alpha = value};
    order_dimensions(&w);
    w.chunk = CHUNK_CONTIGUOUS;
    w.line = line_fill;
    run_walk(&w);
    return LT_OK;
}
