/* text_condition.c - the prompt's embedding brought to the language
 * model's width, each row by itself. */
#include "ar_model/ar_network.h"

void ar_text_bind(lt_binder *b, const cfg_ar *cfg, ar_text *net)
{
    lt_bind(b, &net->in, LT_ROLE_MATRIX, lt_shape2(cfg->width, cfg->text_width),
            "cond_model.embeddings.fc0.weight");
    lt_bind(b, &net->in_bias, LT_ROLE_VECTOR, lt_shape1(cfg->width),
            "cond_model.embeddings.fc0.bias");
    lt_bind(b, &net->out, LT_ROLE_MATRIX, lt_shape2(cfg->width, cfg->width),
            "cond_model.embeddings.fc1.weight");
    lt_bind(b, &net->out_bias, LT_ROLE_VECTOR, lt_shape1(cfg->width),
            "cond_model.embeddings.fc1.bias");
}

lt_tensor ar_text_rows(lt_ops *o, const cfg_ar *cfg, const ar_text *net, const float *text,
                       int64_t rows)
{
    const lt_tensor given = lt_from_host(o, text, LT_F32, lt_shape2(rows, cfg->text_width));
    /* [L, text_width] */
    const lt_tensor x = lt_cast(o, given, o->dtype);
    /* [L, width] */
    const lt_tensor hidden = lt_linear(o, x, &net->in, &net->in_bias, LT_ACT_GELU_TANH);
    return lt_linear(o, hidden, &net->out, &net->out_bias, LT_ACT_NONE);
}
