/* vae_network.h - the layers of both halves; inside temporal_vae only.
 *
 * Encoder and decoder are the same chain of parts in opposite order:
 *     encoder: conv_in, level 0 .. n-1, mid, norm_out, conv_out
 *     decoder: conv_in, mid, level n-1 .. 0, norm_out, conv_out
 */
#ifndef VAE_NETWORK_H
#define VAE_NETWORK_H

#include "temporal_vae/residual_block.h"
#include "temporal_vae/vae_model.h"

typedef struct {
    vae_block *block;        /* block_count of the half */
    lt_weight resample;      /* [C, C, 3, 3] after halving or doubling; not at the level where space
                                stays */
    lt_weight resample_bias; /* [C] */
} vae_level;

typedef struct {
    int block_count; /* of each level */
    vae_conv conv_in;
    vae_block mid[VAE_MID_BLOCKS];
    vae_level level[CFG_VAE_MAX_LEVELS];
    vae_norm norm_out;
    vae_conv conv_out;
} vae_half;

struct vae_model {
    cfg_vae cfg;
    lt_backend *backend;
    vae_pace pace;
    vae_half encoder; /* zero where it was not asked for */
    vae_half decoder;
    lt_weight_set *set;
};

#endif
