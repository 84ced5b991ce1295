/* residual_block.c - see residual_block.h. */
#include "temporal_vae/residual_block.h"

#include <stdio.h>

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
        lt_bind(b, &block->shortcut, LT_ROLE_MATRIX, lt_shape2(out, in), "%s.nin_shortcut.weight", name);
        lt_bind(b, &block->shortcut_bias, LT_ROLE_VECTOR, lt_shape1(out), "%s.nin_shortcut.bias", name);
    }
}

void vae_block_run(vae_flow *f, const vae_block *block)
{
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
