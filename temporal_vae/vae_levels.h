/* vae_levels.h - how many frames, rows, columns and channels there are at each level of the
 * network.
 *
 * Level 0 has the pixels, the last level the latents. The encoder walks 0 .. n-1 and halves space
 * after every level but the last, time after the first two of these; the decoder walks n-1 .. 0 and
 * doubles space after every level but 0, time after the first two of these. So the encoder halves
 * time where pictures are large, the decoder doubles it where they are small.
 */
#ifndef VAE_LEVELS_H
#define VAE_LEVELS_H

#include <stdbool.h>
#include <stdint.h>

#include "configs/vae_config.h"
#include "kernels/core/tensor.h"

enum { VAE_MID_BLOCKS = 2, VAE_KEPT_FRAMES = 2 };

/* Larger pictures and clips are refused before sizes are multiplied. */
enum { VAE_MAX_SIDE = 16384, VAE_MAX_FRAMES = 1 << 20 };

int vae_width(const cfg_vae *cfg, int level); /* channels */

bool vae_encoder_halves_space(const cfg_vae *cfg, int level);
bool vae_encoder_halves_time(const cfg_vae *cfg, int level);
bool vae_decoder_doubles_space(const cfg_vae *cfg, int level);
bool vae_decoder_doubles_time(const cfg_vae *cfg, int level);

/* A first frame stands alone where the count is odd: 9 -> 5 -> 3 and 3 -> 5 -> 9, but 8 -> 4 -> 2
 * and 2 -> 4 -> 8. */
int64_t vae_half_time(int64_t frames);
int64_t vae_double_time(int64_t frames);

int vae_space_factor(const cfg_vae *cfg); /* pixels a latent, each way: 8 in the release */
/* frames a latent, the first one excepted: 4 in the release */
int vae_time_factor(const cfg_vae *cfg);

/* Latents of one clip of `frames` frames; frames of one stream of an odd number of latents. */
int64_t vae_latent_count(const cfg_vae *cfg, int64_t frames);
int64_t vae_frame_count(const cfg_vae *cfg, int64_t latents);

/* Elements of the largest activation of one encoder call over [T, H, W] pixels, or one decoder call
 * over [L, h, w]. */
int64_t vae_encoder_elements(const cfg_vae *cfg, int64_t T, int64_t H, int64_t W);
int64_t vae_decoder_elements(const cfg_vae *cfg, int64_t L, int64_t h, int64_t w);

/* The causal convolutions of the decoder, counted in order of execution: conv_in, two a block,
 * conv_out. Each keeps the last frames of its input, [2, H, W, Cin], for the next call. */
int vae_history_layers(const cfg_vae *cfg);
lt_shape vae_history_shape(const cfg_vae *cfg, int layer, int64_t h, int64_t w);

#endif
