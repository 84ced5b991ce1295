/* upsample_decoder.h - semantic features [T, h, w, C] -> control latent [T, H, W, latent_channels].
 *
 * A small 2-D convolutional decoder; each frame is decoded as if alone, so any frames may be
 * decoded at any time.
 */
#ifndef DIT_UPSAMPLE_DECODER_H
#define DIT_UPSAMPLE_DECODER_H

#include "configs/mmdit_config.h"
#include "kernels/ops.h"
#include "mmdit/affine.h"

typedef struct {
    dit_affine norm1;
    dit_affine conv1;
    dit_affine norm2;
    dit_affine conv2;
    dit_affine shortcut; /* 1x1, where the number of channels changes */
    bool widens;         /* there is a shortcut convolution */
} dit_residual;

typedef struct {
    dit_residual *blocks; /* [blocks], owned */
    dit_affine upsample;  /* 3x3 after the pixel shuffle; not on level 0 */
} dit_level;

typedef struct {
    int levels;
    int blocks; /* residual blocks of a level */
    dit_affine conv_in;
    dit_residual mid[2];
    dit_level level[CFG_MAX_LEVELS]; /* the last one runs first */
    dit_affine norm_out;
    dit_affine conv_out;
    dit_affine latent_out; /* to the latent's channels; zero when training began */
} dit_upsampler;

lt_status dit_upsampler_bind(lt_binder *b, dit_upsampler *u, const cfg_mmdit *cfg, lt_error *err);
void dit_upsampler_close(dit_upsampler *u); /* accepts a zeroed one */

/* features [T, h, w, C] in o->dtype -> [T, h f, w f, latent_channels], f = 2^(levels - 1). */
lt_tensor dit_upsample(lt_ops *o, const dit_upsampler *u, lt_tensor features);

/* x [T, H, W, 4 C] -> [T, 2 H, 2 W, C]: out[2y + p, 2x + q, c] = x[y, x, 4c + 2p + q]. */
lt_tensor dit_pixel_shuffle(lt_ops *o, lt_tensor x);

#endif
