/* reference_prepare.c - every weight becomes packed f32, in its official shape.
 *
 * A value that is f32 already and aligned is used where it is mapped; anything else is expanded
 * once. `packed` then owns it.
 */
#include "kernels/reference/reference_table.h"

#include "kernels/reference/reference_element.h"

typedef struct {
    const lt_weight *w;
    float *out;
} job;

enum { TILE = 65536 };

static void expand(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t end = lt_ref_min((tile + 1) * TILE, lt_numel(&j->w->value));
    for (int64_t i = tile * TILE; i < end; i++)
        j->out[i] = (float)lt_weight_value(j->w, i);
}

lt_status lt_ref_prepare(lt_backend *b, lt_weight *w, lt_error *err)
{
    const lt_tensor *value = &w->value;
    const int64_t count = lt_numel(value);
    char text[128];
    if (!lt_weight_is_sound(w))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: weight is %s %s, expected packed floats, or integers with their scales",
                       b->table->name, lt_dtype_name(value->dtype),
                       lt_shape_text(lt_shape_of(value), text, sizeof text));
    if (value->dtype == LT_F32 && (uintptr_t)value->data % sizeof(float) == 0)
        return LT_OK;

    LT_TRY(lt_ref_alloc(b, (size_t)count * sizeof(float), &w->packed, err));
    job j = {.w = w, .out = w->packed};
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
