/* vae_encoder.h - frames -> latents: a whole clip in one call, as the release does.
 *
 * Norm statistics run over the whole clip, so a clip encoded in pieces gives other latents.
 */
#ifndef VAE_ENCODER_H
#define VAE_ENCODER_H

#include "temporal_vae/vae_model.h"

/* frames [T, H, W, 3] in [-1, 1]. mean and log_variance (may be NULL) are [T', C, H/8, W/8] with T'
 * = vae_latent_count and C latent channels, not scaled; the log-variance is clamped to [-30, 20].
 * Sizes that are not multiples of 8 are floored at every level, as in the release. (8 is
 * vae_space_factor.) LT_ERR_USAGE where nothing is left of a side, or a side or T is above
 * VAE_MAX_SIDE or VAE_MAX_FRAMES. */
lt_status vae_encode(const vae_model *m, const float *frames, int64_t T, int64_t H, int64_t W,
                     float *mean, float *log_variance, lt_error *err);
/* The same from u8 frames, and with the result as the diffusion model
 * knows it: mean * scale_factor. Also LT_ERR_RESOURCES. */
lt_status vae_encode_rgb8(const vae_model *m, const uint8_t *frames, int64_t T, int64_t H,
                          int64_t W, float *latents, lt_error *err);

#endif
