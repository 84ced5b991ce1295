/* residual_block.c - see residual_block.h. */
#include "temporal_vae/residual_block.h"

#include <stdio.h>

#include "temporal_vae/frame_layers.h"

enum { NAME_BYTES = 128 };

void vae_block_bind(lt_binder *b, vae_block *block, int in, int out, int latent_channels, int layer,
                    const char *name)
{
    char part[NAME_BYTES];
    block->in = in;
    block->out = out;
    snprintf(part, sizeof part, "%s.norm1", name);
    vae_norm_bind(b, &block->norm1, in, latent_channels, part);
    snprintf(part, sizeof part, "%s.conv1", name);
    vae_conv_bind(b, &block->conv1, in, out, layer, part);
    snprintf(part, sizeof part, "%s.norm2", name);
    vae_norm_bind(b, &block->norm2, out, latent_channels, part);
    snprintf(part, sizeof part, "%s.conv2", name);
    vae_conv_bind(b, &block->conv2, out, out, layer + 1, part);
    if (in != out) {
        lt_bind(b, &block->shortcut, LT_ROLE_MATRIX, lt_shape2(out, in), "%s.nin_shortcut.weight",
                name);
        lt_bind(b, &block->shortcut_bias, LT_ROLE_VECTOR, lt_shape1(out), "%s.nin_shortcut.bias",
                name);
    }
}

/* Beside x, only the activation between the two convolutions is there as a whole: the norm of it
 * wants all frames. What a frame becomes takes the place of x, whose frames have been read up to
 * there; it would not where channels are added. */
static void run_frame_by_frame(vae_flow *f, const vae_block *block)
{
    lt_ops *o = f->ops;
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor x = f->x; /* [T, H, W, in] */
    const lt_shape out = lt_shape4(x.dim[0], x.dim[1], x.dim[2], block->out);
    const lt_tensor place = vae_flow_tensor(f, 0, out);
    const lt_tensor hidden = lt_new(o, o->dtype, out);
    const lt_tensor sum = block->out > block->in ? lt_new(o, o->dtype, out) : place;
    vae_norm_conv_into(f, hidden, x, &block->norm1, &block->conv1);

    const lt_tensor shortcut =
        lt_new(o, o->dtype, lt_shape4(1, out.dim[1], out.dim[2], out.dim[3]));
    vae_frame_layer second = vae_frame_layer_start(f, hidden, &block->norm2, &block->conv2);
    for (int64_t t = 0; t < out.dim[0]; t++) {
        const lt_tensor of_x = lt_slice(x, 0, t, 1);
        if (block->in == block->out)
            lt_copy_into(o, shortcut, of_x);
        else
            lt_linear_into(o, shortcut, of_x, &block->shortcut, &block->shortcut_bias, LT_ACT_NONE);
        vae_frame_layer_run(&second, lt_slice(sum, 0, t, 1), t, shortcut);
    }
    if (block->out > block->in)
        lt_copy_into(o, place, sum);
    lt_ops_rewind(o, mark);
    vae_flow_advance(f, 0, place);
}

void vae_block_run(vae_flow *f, const vae_block *block)
{
    if (f->pace == VAE_FRAME_BY_FRAME) {
        run_frame_by_frame(f, block);
        return;
    }
    const lt_tensor x = f->x; /* [T, H, W, in] */
    const lt_shape in = lt_shape_of(&x);
    const lt_shape out = lt_shape4(in.dim[0], in.dim[1], in.dim[2], block->out);

    const lt_tensor normed = vae_flow_tensor(f, 1, in);
    const lt_tensor hidden = vae_flow_tensor(f, 2, out);
    vae_norm_into(f, normed, x, &block->norm1);
    vae_conv_into(f, hidden, normed, &block->conv1, lt_none());

    const lt_tensor hidden_normed = vae_flow_tensor(f, 1, out);
    vae_norm_into(f, hidden_normed, hidden, &block->norm2);

    /* `hidden` has been read: its buffer is free again. */
    const lt_tensor spare = vae_flow_tensor(f, 2, out);
    if (block->in == block->out) {
        vae_conv_into(f, spare, hidden_normed, &block->conv2, x);
        vae_flow_advance(f, 2, spare);
        return;
    }
    lt_linear_into(f->ops, spare, x, &block->shortcut, &block->shortcut_bias, LT_ACT_NONE);
    const lt_tensor sum = vae_flow_tensor(f, 0, out); /* x has been read, too */
    vae_conv_into(f, sum, hidden_normed, &block->conv2, spare);
    vae_flow_advance(f, 0, sum);
}
