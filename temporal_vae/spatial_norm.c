/* spatial_norm.c - see spatial_norm.h. */
#include "temporal_vae/spatial_norm.h"

static const float epsilon = 1e-6f;

void vae_norm_bind(lt_binder *b, vae_norm *n, int channels, int latent_channels, const char *name)
{
    const char *own = latent_channels > 0 ? ".norm_layer" : "";
    const lt_shape vector = lt_shape1(channels);
    lt_bind(b, &n->weight, LT_ROLE_VECTOR, vector, "%s%s.weight", name, own);
    lt_bind(b, &n->bias, LT_ROLE_VECTOR, vector, "%s%s.bias", name, own);
    if (latent_channels == 0)
        return;
    const lt_shape matrix = lt_shape2(channels, latent_channels);
    lt_bind(b, &n->gain, LT_ROLE_MATRIX, matrix, "%s.conv_y.conv.weight", name);
    lt_bind(b, &n->gain_bias, LT_ROLE_VECTOR, vector, "%s.conv_y.conv.bias", name);
    lt_bind(b, &n->shift, LT_ROLE_MATRIX, matrix, "%s.conv_b.conv.weight", name);
    lt_bind(b, &n->shift_bias, LT_ROLE_VECTOR, vector, "%s.conv_b.conv.bias", name);
}

lt_group_norm_args vae_norm_args(const vae_flow *f, const vae_norm *n)
{
    lt_ops *o = f->ops;
    lt_group_norm_args args = {.groups = f->groups, .eps = epsilon, .act = LT_ACT_SILU};
    if (!lt_is_none(&f->latent)) {
        /* [L, h, w, C] */
        args.gain = lt_linear(o, f->latent, &n->gain, &n->gain_bias, LT_ACT_NONE);
        /* [L, h, w, C] */
        args.shift = lt_linear(o, f->latent, &n->shift, &n->shift_bias, LT_ACT_NONE);
    }
    return args;
}

void vae_norm_into(const vae_flow *f, lt_tensor out, lt_tensor x, const vae_norm *n)
{
    const lt_mark mark = lt_ops_mark(f->ops);
    const lt_group_norm_args args = vae_norm_args(f, n);
    lt_group_norm_into(f->ops, out, x, &n->weight, &n->bias, &args);
    lt_ops_rewind(f->ops, mark);
}
