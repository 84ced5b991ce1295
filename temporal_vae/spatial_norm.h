/* spatial_norm.h - group norm and swish; in the decoder steered by the latents that are being
 * decoded.
 *
 *     encoder:  out = swish(GN(x))
 *     decoder:  out = swish(GN(x) * gain[Z] + shift[Z])
 *
 * gain and shift are 1x1x1 convolutions of the latents; Z is the nearest latent of each cell of x.
 * The release enlarges the latents and then convolves; a 1x1x1 convolution does not look sideways,
 * so we convolve the latents and enlarge the result: the same numbers for a fortieth of the work.
 * Statistics run over all frames of the call, not of the stream.
 */
#ifndef VAE_SPATIAL_NORM_H
#define VAE_SPATIAL_NORM_H

#include "temporal_vae/vae_flow.h"
#include "weights/weights.h"

typedef struct {
    lt_weight weight;     /* [C] of the group norm */
    lt_weight bias;       /* [C] */
    lt_weight gain;       /* [C, latent channels]; this and the rest in the decoder only */
    lt_weight gain_bias;  /* [C] */
    lt_weight shift;      /* [C, latent channels] */
    lt_weight shift_bias; /* [C] */
} vae_norm;

/* latent_channels 0: the plain norm of the encoder. */
void vae_norm_bind(lt_binder *b, vae_norm *n, int channels, int latent_channels, const char *name);
/* x, out [T, H, W, C]. Steered where the flow has latents. */
void vae_norm_into(const vae_flow *f, lt_tensor out, lt_tensor x, const vae_norm *n);
/* What a group norm needs beside x; gain and shift stand in the arena. */
lt_group_norm_args vae_norm_args(const vae_flow *f, const vae_norm *n);

#endif
