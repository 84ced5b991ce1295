#include "tokenizer/picture_weights.h"

#include <math.h>
#include <stdlib.h>

lt_status tok_picture_weights(lt_weights *weights, const char *name, lt_shape shape, float **out,
                              lt_error *err)
{
    char found[128];
    char expected[128];
    const lt_tensor *t = lt_weights_find(weights, name);
    *out = NULL;
    lt_shape_text(shape, expected, sizeof expected);
    if (!t || lt_is_none(t))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: found no tensor '%s', expected %s beside 'tokenizer.picture_codes'",
                       lt_weights_place(weights), name, expected);
    if (!lt_same_shape(lt_shape_of(t), shape))
        return lt_fail(err, LT_ERR_INPUT, "%s: '%s' is %s, expected %s", lt_weights_place(weights),
                       name, lt_shape_text(lt_shape_of(t), found, sizeof found), expected);
    const int64_t count = lt_numel(t);
    float *values = malloc((size_t)count * sizeof *values);
    if (!values)
        return lt_fail(err, LT_ERR_RESOURCES, "tokenizer: no memory for a map of %lld values",
                       (long long)count);
    for (int64_t i = 0; i < count; i++) {
        values[i] = (float)lt_load_element(t->data, t->dtype, i);
        if (!isfinite(values[i])) {
            free(values);
            return lt_fail(err, LT_ERR_INPUT, "%s: '%s' has a value that is no number",
                           lt_weights_place(weights), name);
        }
    }
    *out = values;
    return LT_OK;
}
