/* cpu_weights.c - from values in a mapped file to what the kernels read.
 *
 *     vectors        copied as f32
 *     tables         read where they are
 *     matrices       read where they are by products with few rows; small ones are packed into
 *                    panels as well, large ones tile by tile when they are used, so that a
 *                    9.5 GB file stays a map
 *     convolutions   packed, taps before channels: the left side of the product is then the image
 *                    itself; of 3 x 3 pixels in f32 transformed for cpu_winograd.c
 *
 * Panels are int8 where a matrix allows it (cpu_int8_panels.c), bf16 where the backend computes in
 * bf16 and the processor multiplies it, else f32. A product of the other type (a stage that asks
 * for f32) packs its pieces when it needs them.
 */
#include "kernels/cpu/cpu_backend.h"

#include <stdlib.h>
#include <string.h>

/* Matrices up to this size get panels when loaded (4 MB in f32): all of models/mini, nothing large
 * of the released model. */
enum { PACK_ELEMENTS_MAX = 1 << 20 };

static bool is_readable(lt_dtype t)
{
    return t == LT_F32 || t == LT_BF16 || t == LT_F16 || t == LT_I8 || t == LT_Q8 || t == LT_Q4;
}

static bool is_aligned(const lt_tensor *t)
{
    return lt_is_none(t) || t->dtype == LT_Q4 || (uintptr_t)t->data % lt_dtype_bytes(t->dtype) == 0;
}

/* Where the file has it, or only as a copy? */
static bool needs_copy(const lt_weight *w)
{
    return !is_readable(w->value.dtype) || !is_aligned(&w->value) || !is_aligned(&w->scale);
}

static lt_status check_values(const lt_weight *w, lt_error *err)
{
    if (lt_weight_is_sound(w))
        return LT_OK;
    char text[128];
    return lt_fail(err, LT_ERR_INPUT,
                   "cpu: weight is %s %s, expected packed floats, or integers with their scales",
                   lt_dtype_name(w->value.dtype),
                   lt_shape_text(lt_shape_of(&w->value), text, sizeof text));
}

/* Replaces w->value by an f32 copy, scales multiplied in. */
static lt_status own_values(lt_backend *b, lt_weight *w, lt_cpu_weight *packed, lt_error *err)
{
    const int64_t count = lt_numel(&w->value);
    void *memory;
    LT_TRY(lt_cpu_alloc(b, (size_t)count * sizeof(float), &memory, err));
    float *values = memory;
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)lt_weight_value(w, i);
    packed->owned = values;
    w->value.data = values;
    w->value.dtype = LT_F32;
    w->scale = lt_none();
    return LT_OK;
}

/* ---- matrices ---- */

int64_t lt_matrix_room(const lt_product *p, const lt_weight *w)
{
    const int64_t rows = lt_is_blocks(w) ? (int64_t)p->depth * p->columns : 0;
    return lt_panel_bytes(p, p->depth) +
           (p->type == LT_I8 ? lt_int8_room(p) : rows * (int64_t)sizeof(float));
}

/* Packs a piece of a panel; `room` takes widened blocks, columns x depth. */
static void pack_piece(const lt_cpu *cpu, const lt_product *p, const lt_weight *w, int64_t column,
                       int64_t k, int64_t depth, void *panel, void *room)
{
    const lt_cpu_weight *packed = w->packed;
    const int64_t count = lt_min(p->columns, packed->outputs - column);
    float *rows = room;
    if (p->type == LT_I8) {
        lt_pack_int8(cpu, p, w, column, k, depth, panel, room);
        return;
    }
    if (!lt_is_blocks(w)) {
        p->pack(panel, lt_stored_at(w, column, k), w->value.dtype, packed->depth, count, depth);
        return;
    }
    for (int64_t r = 0; r < count; r++)
        cpu->kernels->widen_blocks(rows + r * depth, lt_stored_at(w, column + r, k), w->value.dtype,
                                   lt_block_scales(w, column + r, k), depth);
    p->pack(panel, rows, LT_F32, depth, count, depth);
}

const void *lt_matrix_panel(const lt_cpu *cpu, const lt_product *p, const lt_weight *w,
                            int64_t column, int64_t k, int64_t depth, void *room)
{
    const lt_cpu_weight *packed = w->packed;
    if (lt_has_panels(packed, LT_PANELS_ROWS, p)) {
        const int64_t before =
            column / p->columns * lt_panel_bytes(p, packed->depth) + lt_panel_bytes(p, k);
        return (const char *)packed->panels + before;
    }
    pack_piece(cpu, p, w, column, k, depth, room, (char *)room + lt_panel_bytes(p, p->depth));
    return room;
}

static lt_status pack_matrix(lt_cpu *cpu, const lt_product *p, const lt_weight *w,
                             lt_cpu_weight *packed, lt_error *err)
{
    const int64_t panel_bytes = lt_panel_bytes(p, packed->depth);
    const int64_t count = lt_ceil_div(packed->outputs, p->columns);
    LT_TRY(lt_cpu_alloc(&cpu->base, (size_t)(count * panel_bytes), &packed->panels, err));
    packed->panel_type = p->type;
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < packed->depth; k += p->depth)
            pack_piece(cpu, p, w, i * p->columns, k, lt_min(p->depth, packed->depth - k),
                       (char *)packed->panels + i * panel_bytes + lt_panel_bytes(p, k),
                       lt_shared_scratch(cpu));
    return LT_OK;
}

/* ---- convolutions ---- */

lt_conv_slice lt_conv_slice_of(const lt_product *p, const lt_cpu_weight *packed, int64_t first)
{
    const int64_t tap_rows = packed->shape.dim[2] * packed->shape.dim[3];
    const int64_t kw = packed->shape.dim[4];
    lt_conv_slice s = {.first = first,
                       .channels = lt_min(LT_CONV_SLICE, packed->shape.dim[1] - first)};
    s.run = kw * s.channels;
    s.padded_run = lt_padded_depth(p, s.run);
    s.depth = tap_rows * s.padded_run;
    s.at = first / LT_CONV_SLICE * tap_rows * lt_padded_depth(p, kw * LT_CONV_SLICE);
    return s;
}

int64_t lt_conv_panel_depth(const lt_product *p, const lt_cpu_weight *packed)
{
    const lt_conv_slice last =
        lt_conv_slice_of(p, packed, (packed->shape.dim[1] - 1) / LT_CONV_SLICE * LT_CONV_SLICE);
    return last.at + last.depth;
}

/* The weights are put in the order of the run first, in `room`, one output after the other. */
void lt_pack_conv_run(const lt_product *p, const lt_weight *w, int64_t column,
                      const lt_conv_slice *s, int64_t tap_row, int64_t k, int64_t depth,
                      void *panel, float *room)
{
    const lt_cpu_weight *packed = w->packed;
    const int64_t kw = packed->shape.dim[4];
    const int64_t taps = packed->shape.dim[2] * packed->shape.dim[3] * kw;
    const int64_t outputs = lt_min(p->columns, packed->outputs - column);
    float *to = room;
    for (int64_t o = 0; o < outputs; o++) {
        const int64_t first =
            ((column + o) * packed->shape.dim[1] + s->first) * taps + tap_row * kw;
        for (int64_t i = k; i < k + depth; i++)
            *to++ = lt_stored_value(&w->value, first + i % s->channels * taps + i / s->channels);
    }
    p->pack(panel, room, LT_F32, depth, outputs, depth);
}

static int64_t conv_panels_bytes(const lt_product *p, const lt_cpu_weight *packed)
{
    if (lt_winograd_fits(p, packed->shape))
        return lt_product_bytes(p, lt_winograd_panel_values(p, packed->shape));
    return lt_product_bytes(p, lt_ceil_div(packed->outputs, p->columns) *
                                   lt_conv_panel_depth(p, packed) * p->columns);
}

static lt_status pack_conv(lt_cpu *cpu, const lt_product *p, const lt_weight *w,
                           lt_cpu_weight *packed, lt_error *err)
{
    const int64_t panel_depth = lt_conv_panel_depth(p, packed);
    LT_TRY(lt_cpu_alloc(&cpu->base, (size_t)conv_panels_bytes(p, packed), &packed->panels, err));
    packed->panel_type = p->type;
    if (lt_winograd_fits(p, packed->shape)) {
        packed->panel_kind = LT_PANELS_WINOGRAD;
        lt_winograd_pack(p, w, packed->shape, packed->panels, lt_shared_scratch(cpu));
        return LT_OK;
    }
    for (int64_t column = 0; column < packed->outputs; column += p->columns)
        for (int64_t first = 0; first < packed->shape.dim[1]; first += LT_CONV_SLICE) {
            const lt_conv_slice s = lt_conv_slice_of(p, packed, first);
            for (int64_t row = 0; row < packed->shape.dim[2] * packed->shape.dim[3]; row++) {
                const int64_t at = column * panel_depth + (s.at + row * s.padded_run) * p->columns;
                lt_pack_conv_run(p, w, column, &s, row, 0, s.run,
                                 (char *)packed->panels + lt_product_bytes(p, at),
                                 lt_shared_scratch(cpu));
            }
        }
    return LT_OK;
}

/* ---- the entries ---- */

/* The product that the weight is packed for; NULL where it stays as it is. */
static const lt_product *product_of(const lt_cpu *cpu, const lt_weight *w)
{
    const bool in_place = lt_numel(&w->value) > PACK_ELEMENTS_MAX;
    switch (w->role) {
    case LT_ROLE_MATRIX:
        return in_place ? NULL : lt_matrix_product(cpu, cpu->base.activation, w);
    case LT_ROLE_HEAD:
        return in_place ? NULL : lt_product_for(cpu, LT_F32, w->value.dim[0]);
    case LT_ROLE_CONV:
        return lt_conv_product(cpu, cpu->base.activation, w->value.dim[0]);
    case LT_ROLE_TABLE:
    case LT_ROLE_VECTOR:
        break;
    }
    return NULL;
}

static lt_status pack_for_role(lt_cpu *cpu, lt_weight *w, lt_cpu_weight *packed, lt_error *err)
{
    const lt_product *p = product_of(cpu, w);
    if (p == NULL)
        return LT_OK;
    return w->role == LT_ROLE_CONV ? pack_conv(cpu, p, w, packed, err)
                                   : pack_matrix(cpu, p, w, packed, err);
}

/* [Cout, Cin, kt, kh, kw] of a convolution's weight of rank 4 or 5. */
static lt_shape conv_shape(const lt_tensor *value)
{
    if (value->rank == 5)
        return lt_shape_of(value);
    return lt_shape5(value->dim[0], value->dim[1], 1, value->dim[2], value->dim[3]);
}

static lt_cpu_weight sizes_of(const lt_weight *w)
{
    lt_cpu_weight sizes = {.outputs = w->value.dim[0],
                           .depth = lt_numel(&w->value) / w->value.dim[0]};
    if (w->role == LT_ROLE_CONV)
        sizes.shape = conv_shape(&w->value);
    return sizes;
}

static bool owns_values(const lt_weight *w)
{
    return w->role == LT_ROLE_VECTOR || needs_copy(w);
}

size_t lt_cpu_prepared_bytes(lt_backend *b, const lt_weight *w)
{
    const lt_product *p = product_of(lt_cpu_of(b), w);
    const lt_cpu_weight sizes = sizes_of(w);
    int64_t bytes = owns_values(w) ? lt_numel(&w->value) * (int64_t)sizeof(float) : 0;
    if (p != NULL && w->role == LT_ROLE_CONV)
        bytes += conv_panels_bytes(p, &sizes);
    else if (p != NULL)
        bytes += lt_ceil_div(sizes.outputs, p->columns) * lt_panel_bytes(p, sizes.depth);
    return (size_t)bytes;
}

lt_status lt_cpu_prepare(lt_backend *b, lt_weight *w, lt_error *err)
{
    LT_TRY(check_values(w, err));
    lt_cpu_weight *packed = malloc(sizeof *packed);
    if (packed == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cpu: no memory for a weight");
    *packed = sizes_of(w);
    w->packed = packed;
    lt_status s = LT_OK;
    if (owns_values(w))
        s = own_values(b, w, packed, err);
    if (s == LT_OK)
        s = pack_for_role(lt_cpu_of(b), w, packed, err);
    if (s != LT_OK)
        lt_cpu_unprepare(b, w);
    return s;
}

void lt_cpu_unprepare(lt_backend *b, lt_weight *w)
{
    lt_cpu_weight *packed = w->packed;
    if (packed == NULL)
        return;
    lt_cpu_release(b, packed->panels);
    lt_cpu_release(b, packed->owned);
    free(packed);
    *w = (lt_weight){.value = lt_none(), .scale = lt_none(), .role = w->role};
}
