/* cpu_weights.c - from values in a mapped file to what the kernels read.
 *
 *     vectors        copied as f32
 *     tables         read where they are
 *     matrices       read where they are by products with few rows; small ones are packed into f32 panels as well, large
 *                    ones are packed tile by tile when they are used, so that a 9.5 GB file stays a 9.5 GB map
 *     convolutions   packed, taps before channels: the left side of the product is then the image itself
 */
#include "kernels/cpu/cpu_backend.h"

#include <stdlib.h>
#include <string.h>

/* Matrices up to this size get f32 panels when loaded (4 MB): all of models/mini, nothing large of the released model. */
enum { PACK_ELEMENTS_MAX = 1 << 20 };

static bool is_readable(lt_dtype t)
{
    return t == LT_F32 || t == LT_BF16 || t == LT_F16 || t == LT_I8;
}

static bool is_aligned(const lt_tensor *t)
{
    return lt_is_none(t) || (uintptr_t)t->data % lt_dtype_bytes(t->dtype) == 0;
}

/* Where the file has it, or only as a copy? */
static bool needs_copy(const lt_weight *w)
{
    return !is_readable(w->value.dtype) || !is_aligned(&w->value) || !is_aligned(&w->scale);
}

static lt_status check_values(const lt_weight *w, lt_error *err)
{
    const lt_tensor *value = &w->value;
    const bool scaled = value->dtype == LT_I8;
    const bool known = is_readable(value->dtype) || value->dtype == LT_F64;
    const bool scales_fit = scaled ? !lt_is_none(&w->scale) && lt_numel(&w->scale) == value->dim[0] : lt_is_none(&w->scale);
    if (known && scales_fit && lt_numel(value) > 0 && lt_is_contiguous(value))
        return LT_OK;
    char text[128];
    return lt_fail(err, LT_ERR_INPUT, "cpu: weight is %s %s, expected packed floats, or i8 with one scale per row",
                   lt_dtype_name(value->dtype), lt_shape_text(lt_shape_of(value), text, sizeof text));
}

/* Replaces w->value by an f32 copy, scales multiplied in. */
static lt_status own_values(lt_backend *b, lt_weight *w, lt_cpu_weight *packed, lt_error *err)
{
    const int64_t count = lt_numel(&w->value);
    void *memory;
    LT_TRY(lt_cpu_alloc(b, (size_t)count * sizeof(float), &memory, err));
    float *values = memory;
    for (int64_t i = 0; i < count; i++) {
        const double scale = lt_is_none(&w->scale) ? 1 : lt_load_element(w->scale.data, LT_F32, i / packed->depth);
        values[i] = (float)(lt_load_element(w->value.data, w->value.dtype, i) * scale);
    }
    packed->owned = values;
    w->value.data = values;
    w->value.dtype = LT_F32;
    w->scale = lt_none();
    return LT_OK;
}

static lt_status pack_matrix(lt_cpu *cpu, const lt_weight *w, lt_cpu_weight *packed, lt_error *err)
{
    const lt_cpu_kernels *kernels = cpu->kernels;
    const int64_t columns = kernels->tile_columns;
    const int64_t count = lt_ceil_div(packed->outputs, columns);
    const float *scale = lt_is_none(&w->scale) ? NULL : w->scale.data;
    void *memory;
    LT_TRY(lt_cpu_alloc(&cpu->base, (size_t)(count * packed->depth * columns) * sizeof(float), &memory, err));
    float *panels = memory;
    for (int64_t p = 0; p < count; p++)
        kernels->pack_panel(panels + p * packed->depth * columns, lt_at(&w->value, p * columns * packed->depth), w->value.dtype,
                            packed->depth, lt_min(columns, packed->outputs - p * columns), packed->depth,
                            scale == NULL ? NULL : scale + p * columns);
    packed->panels = panels;
    return LT_OK;
}

/* [Cout][Cin][taps] -> panels [slice][taps][channel of slice][tile_columns]. */
static lt_status pack_conv(lt_cpu *cpu, const lt_weight *w, lt_cpu_weight *packed, lt_error *err)
{
    const int64_t columns = cpu->kernels->tile_columns;
    const int64_t panels = lt_ceil_div(packed->outputs, columns);
    const int64_t channels = w->value.dim[1];
    const int64_t taps = packed->depth / channels;
    const size_t bytes = (size_t)(panels * packed->depth * columns) * sizeof(float);
    void *memory;
    LT_TRY(lt_cpu_alloc(&cpu->base, bytes, &memory, err));
    memset(memory, 0, bytes);
    float *out = memory;
    for (int64_t o = 0; o < packed->outputs; o++) {
        const double scale = lt_is_none(&w->scale) ? 1 : lt_load_element(w->scale.data, LT_F32, o);
        float *panel = out + o / columns * packed->depth * columns + o % columns;
        for (int64_t c = 0; c < channels; c++) {
            const int64_t first = c / LT_CONV_SLICE * LT_CONV_SLICE;
            const int64_t slice = lt_min(LT_CONV_SLICE, channels - first);
            for (int64_t tap = 0; tap < taps; tap++)
                panel[(first * taps + tap * slice + c - first) * columns] =
                    (float)(lt_load_element(w->value.data, w->value.dtype, (o * channels + c) * taps + tap) * scale);
        }
    }
    packed->panels = out;
    return LT_OK;
}

lt_status lt_cpu_prepare(lt_backend *b, lt_weight *w, lt_error *err)
{
    LT_TRY(check_values(w, err));
    lt_cpu_weight *packed = calloc(1, sizeof *packed);
    if (packed == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cpu: no memory for a weight");
    w->packed = packed;
    packed->outputs = w->value.dim[0];
    packed->depth = lt_numel(&w->value) / packed->outputs;
    lt_status s = LT_OK;
    if (w->role == LT_ROLE_VECTOR || (w->role != LT_ROLE_CONV && needs_copy(w)))
        s = own_values(b, w, packed, err);
    if (s == LT_OK && (w->role == LT_ROLE_MATRIX || w->role == LT_ROLE_HEAD) && lt_numel(&w->value) <= PACK_ELEMENTS_MAX)
        s = pack_matrix(lt_cpu_of(b), w, packed, err);
    if (s == LT_OK && w->role == LT_ROLE_CONV)
        s = pack_conv(lt_cpu_of(b), w, packed, err);
    if (s != LT_OK)
        lt_cpu_unprepare(b, w);
    return s;
}

void lt_cpu_unprepare(lt_backend *b, lt_weight *w)
{
    lt_cpu_weight *packed = w->packed;
    if (packed == NULL)
        return;
    lt_cpu_release(b, (void *)(uintptr_t)packed->panels);
    lt_cpu_release(b, packed->owned);
    free(packed);
    w->packed = NULL;
}
