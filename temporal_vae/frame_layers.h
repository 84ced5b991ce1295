/* frame_layers.h - the layers of the network, a frame at a time: where three whole activations
 * would not fit into memory.
 *
 *     vae_frame_layer l = vae_frame_layer_start(f, x, &norm, &conv);
 *     for (int64_t t = 0; t < T; t++)
 *         vae_frame_layer_run(&l, lt_slice(out, 0, t, 1), t, lt_none());   conv(swish(norm(x)))[t]
 *
 * Statistics of a norm are still those of all frames, so x has to be there as a whole; what comes
 * out of the norm never is. They are computed again for every frame, which costs little beside a
 * convolution. A convolution sees the frames before in what it keeps, as it does from call to call.
 * On a host the bytes are those of whole calls.
 */
#ifndef VAE_FRAME_LAYERS_H
#define VAE_FRAME_LAYERS_H

#include "temporal_vae/causal_conv.h"
#include "temporal_vae/spatial_norm.h"

typedef struct {
    lt_ops *ops;
    lt_tensor x; /* [T, H, W, C] */
    const vae_norm *norm;
    const vae_conv *conv;
    lt_group_norm_args args;
    lt_tensor normed; /* [1, H, W, C] */
    lt_tensor kept;   /* [2, H, W, C], what stands before the next frame */
    bool filled;
} vae_frame_layer;

/* Takes what it needs from the arena. */
vae_frame_layer vae_frame_layer_start(const vae_flow *f, lt_tensor x, const vae_norm *norm,
                                      const vae_conv *conv);
/* Frame t, in order from 0; out and add [1, H, W, Cout], add may be none. out may stand where
 * earlier frames of x were not. */
void vae_frame_layer_run(vae_frame_layer *l, lt_tensor out, int64_t t, lt_tensor add);

/* All frames of it; out [T, H, W, Cout]. */
void vae_norm_conv_into(const vae_flow *f, lt_tensor out, lt_tensor x, const vae_norm *norm,
                        const vae_conv *conv);

/* The flow's activation, made larger or smaller in its own buffer. weight and bias: of the 3x3
 * convolution that goes with it. */
void vae_frames_double_space(vae_flow *f, const lt_weight *weight, const lt_weight *bias);
void vae_frames_double_time(vae_flow *f);
void vae_frames_halve_space(vae_flow *f, const lt_weight *weight, const lt_weight *bias);
void vae_frames_halve_time(vae_flow *f);

#endif
