/* weight.c - see weight.h. */
#include "kernels/core/weight.h"

bool lt_weight_is_sound(const lt_weight *w)
{
    const lt_tensor *value = &w->value;
    const lt_tensor *scale = &w->scale;
    if (lt_numel(value) <= 0 || !lt_is_contiguous(value))
        return false;
    if (lt_is_blocks(w))
        return value->rank == 2 && value->dim[1] % LT_BLOCK == 0 && scale->dtype == LT_F16 &&
               lt_numel(scale) * LT_BLOCK == lt_numel(value) && lt_is_contiguous(scale);
    if (value->dtype == LT_I8)
        return scale->dtype == LT_F32 && lt_numel(scale) == value->dim[0] &&
               lt_is_contiguous(scale);
    return lt_dtype_is_float(value->dtype) && lt_is_none(scale);
}

double lt_weight_value(const lt_weight *w, int64_t i)
{
    const double value = lt_load_element(w->value.data, w->value.dtype, i);
    if (lt_is_none(&w->scale))
        return value;
    const int64_t per_scale = lt_is_blocks(w) ? LT_BLOCK : lt_numel(&w->value) / w->value.dim[0];
    return value * lt_load_element(w->scale.data, w->scale.dtype, i / per_scale);
}
