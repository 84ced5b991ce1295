/* reference_prepare.c - every weight becomes packed f32, in its official shape.
 *
 * A value that is f32 already and aligned is used where it is mapped; anything else is expanded once. `packed` then owns it.
 */
#include "kernels/reference/reference_table.h"

#include "kernels/reference/reference_element.h"

typedef struct {
    const lt_weight *w;
    float *out;
    int64_t per_row; /* values that share a scale */
} job;

enum { TILE = 65536 };

static void expand(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t end = lt_ref_min((tile + 1) * TILE, lt_numel(&j->w->value));
    for (int64_t i = tile * TILE; i < end; i++) {
        const double value = lt_load_element(j->w->value.data, j->w->value.dtype, i);
        const double scale =
            lt_is_none(&j->w->scale) ? 1 : lt_load_element(j->w->scale.data, LT_F32, i / j->per_row);
        j->out[i] = (float)(value * scale);
    }
}

static lt_status refuse(const lt_backend *b, const lt_weight *w, const char *expected, lt_error *err)
{
    char text[128];
    return lt_fail(err, LT_ERR_INPUT, "%s: weight is %s %s, expected %s", b->table->name,
                   lt_dtype_name(w->value.dtype), lt_shape_text(lt_shape_of(&w->value), text, sizeof text),
                   expected);
}

lt_status lt_ref_prepare(lt_backend *b, lt_weight *w, lt_error *err)
{
    const lt_tensor *value = &w->value;
    const int64_t count = lt_numel(value);
    const bool scaled = value->dtype == LT_I8;
    if (count == 0 || !lt_is_contiguous(value))
        return refuse(b, w, "packed values", err);
    if (scaled != !lt_is_none(&w->scale) || (scaled && lt_numel(&w->scale) != value->dim[0]))
        return refuse(b, w, "floats, or i8 with one scale per row", err);
    if (!scaled && value->dtype != LT_F32 && value->dtype != LT_F16 && value->dtype != LT_BF16 &&
        value->dtype != LT_F64)
        return refuse(b, w, "f32, f16, bf16, f64 or i8", err);
    if (value->dtype == LT_F32 && (uintptr_t)value->data % sizeof(float) == 0)
        return LT_OK;

    LT_TRY(lt_ref_alloc(b, (size_t)count * sizeof(float), &w->packed, err));
    job j = {.w = w, .out = w->packed, .per_row = count / value->dim[0]};
    lt_pool_run(b->pool, lt_ref_tiles(count, TILE), expand, &j);
    w->value = lt_view(w->packed, LT_F32, lt_shape_of(value));
    w->scale = lt_none();
    return LT_OK;
}

size_t lt_ref_prepared_bytes(lt_backend *b, const lt_weight *w)
{
    (void)b;
    const bool in_place = w->value.dtype == LT_F32 && (uintptr_t)w->value.data % sizeof(float) == 0;
    return in_place ? 0 : (size_t)lt_numel(&w->value) * sizeof(float);
}

void lt_ref_unprepare(lt_backend *b, lt_weight *w)
{
    lt_ref_release(b, w->packed);
    *w = (lt_weight){.value = lt_none(), .scale = lt_none(), .role = w->role};
}
