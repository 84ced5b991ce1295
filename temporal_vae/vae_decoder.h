/* vae_decoder.h - latents -> frames, as one stream of any length.
 *
 *     LT_TRY(vae_decoder_open(model, h, w, &d, err));
 *     LT_TRY(vae_decode(d, latents, 13, rgb, NULL, err));        49 frames
 *     LT_TRY(vae_decode(d, latents + 13 * step, 6, rgb, NULL, err));   24 frames more, seamless
 *     vae_decoder_close(d);
 *
 * Inside, the release's schedule: the first call of the network takes 3 latents (or the only one),
 * every later one 2, and norm statistics run over exactly these frames; how a stream is cut into
 * vae_decode calls does not change a byte. From call to call the last two input frames of every
 * causal convolution are kept, in buffers taken once, so memory does not grow with the stream. The
 * state can be written down between two calls, and a decoder that reads it goes on in the same
 * bytes.
 */
#ifndef VAE_DECODER_H
#define VAE_DECODER_H

#include "temporal_vae/vae_model.h"

typedef struct vae_decoder vae_decoder; /* one stream; uses its model, which must outlive it */

/* A fresh stream of latents of h x w. */
lt_status vae_decoder_open(const vae_model *m, int64_t h, int64_t w, vae_decoder **out,
                           lt_error *err);
void vae_decoder_close(vae_decoder *d); /* accepts NULL */
/* Back to a fresh stream. */
lt_status vae_decoder_reset(vae_decoder *d, lt_error *err);

/* Frames that the next `n` latents will give; 0 when the stream cannot take n latents now. A fresh
 * stream takes an odd number (3 -> 9 frames in the release, 13 -> 49, 1 -> 1), a running one an
 * even number (2 -> 8, 6 -> 24). */
int64_t vae_decoder_frames(const vae_decoder *d, int64_t n);
/* The fewest latents, at least n >= 1, that a stream of `done` latents may take for them to give
 * the frames that they give when more follow. */
int64_t vae_decoder_whole_calls(int64_t done, int64_t n);
/* latents [n, C, h, w], scaled, as the diffusion model makes them. Fills rgb, u8 [T, H, W, 3], and
 * frames, f32 [T, H, W, 3] before clamping to [-1, 1]; either may be NULL. LT_ERR_USAGE for a
 * number of latents that the stream cannot take. After any other failure the stream is broken until
 * it is reset or loaded. */
lt_status vae_decode(vae_decoder *d, const float *latents, int64_t n, uint8_t *rgb, float *frames,
                     lt_error *err);

/* The state between two calls as one block of memory: a header with a checksum, then what the
 * convolutions keep. */
size_t vae_decoder_state_bytes(const vae_decoder *d);
lt_status vae_decoder_save(vae_decoder *d, void *state, lt_error *err);
/* LT_ERR_INPUT when the block is damaged or belongs to other sizes or another precision; the stream
 * is then as before. */
lt_status vae_decoder_load(vae_decoder *d, const void *state, size_t bytes, lt_error *err);

#endif
