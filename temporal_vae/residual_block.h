/* residual_block.h - out = shortcut(x) + conv2(norm2(conv1(norm1(x)))), norms with swish.
 *
 * shortcut is x itself, or a 1x1x1 convolution where the width changes. Encoder and decoder differ
 * only in the norm.
 */
#ifndef VAE_RESIDUAL_BLOCK_H
#define VAE_RESIDUAL_BLOCK_H

#include "temporal_vae/causal_conv.h"
#include "temporal_vae/spatial_norm.h"

typedef struct {
    int in; /* channels */
    int out;
    vae_norm norm1;
    vae_conv conv1;
    vae_norm norm2;
    vae_conv conv2;
    lt_weight shortcut;      /* [out, in]; only where in != out */
    lt_weight shortcut_bias; /* [out] */
} vae_block;

/* The block's convolutions get the places `layer` and `layer` + 1 of the history. */
void vae_block_bind(lt_binder *b, vae_block *block, int in, int out, int latent_channels, int layer,
                    const char *name);
/* Moves the flow's activation from [T, H, W, in] to [T, H, W, out], at the flow's pace. */
void vae_block_run(vae_flow *f, const vae_block *block);

#endif
