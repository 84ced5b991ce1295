/* causal_conv.c - see causal_conv.h. */
#include "temporal_vae/causal_conv.h"

void vae_conv_bind(lt_binder *b, vae_conv *c, int in, int out, int layer, const char *name)
{
    c->layer = layer;
    lt_bind(b, &c->weight, LT_ROLE_CONV, lt_shape5(out, in, 3, 3, 3), "%s.conv.weight", name);
    lt_bind(b, &c->bias, LT_ROLE_VECTOR, lt_shape1(out), "%s.conv.bias", name);
}

/* kept := the last two frames of (what stood before x, then x). */
static void keep_last_frames(lt_ops *o, lt_tensor kept, lt_tensor x, bool filled)
{
    const int64_t T = x.dim[0];
    if (T >= VAE_KEPT_FRAMES) {
        lt_copy_into(o, kept, lt_slice(x, 0, T - VAE_KEPT_FRAMES, VAE_KEPT_FRAMES));
        return;
    }
    const lt_tensor earlier = lt_slice(kept, 0, 0, 1);
    const lt_tensor last = lt_slice(kept, 0, 1, 1);
    lt_copy_into(o, earlier, filled ? last : x);
    lt_copy_into(o, last, x);
}

static void convolve(lt_ops *o, lt_tensor out, lt_tensor x, const vae_conv *c, lt_tensor add,
                     lt_tensor history)
{
    const lt_conv_args args = {.stride = 1,
                               .pad_top = 1,
                               .pad_left = 1,
                               .pad_bottom = 1,
                               .pad_right = 1,
                               .history = history,
                               .add = add};
    lt_conv_into(o, out, x, &c->weight, &c->bias, &args);
}

void vae_conv_after_into(lt_ops *o, lt_tensor out, lt_tensor x, const vae_conv *c, lt_tensor add,
                         lt_tensor kept, bool filled)
{
    convolve(o, out, x, c, add, filled ? kept : lt_none());
    keep_last_frames(o, kept, x, filled);
}

void vae_conv_into(const vae_flow *f, lt_tensor out, lt_tensor x, const vae_conv *c, lt_tensor add)
{
    if (f->history)
        vae_conv_after_into(f->ops, out, x, c, add, f->history->of_layer[c->layer],
                            f->history->filled);
    else
        convolve(f->ops, out, x, c, add, lt_none());
}
