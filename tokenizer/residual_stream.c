/* residual_stream.c - what the tokenizer's transformers take from their f32 stream. */
#include "tokenizer/tok_network.h"

lt_tensor tok_norm(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias, float eps)
{
    const lt_dtype dtype = o->dtype;
    o->dtype = LT_F32;
    const lt_tensor normed = lt_layer_norm(o, x, w, bias, eps);
    o->dtype = dtype;
    return dtype == LT_F32 ? normed : lt_cast(o, normed, dtype);
}
