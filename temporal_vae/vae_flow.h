/* vae_flow.h - one activation on its way through the network, in three buffers that take turns.
 *
 * Between two layers one buffer holds the activation and two are free; a layer writes into a free
 * one. Three are enough for every layer, so a call needs three times its largest activation,
 * however many blocks there are. Where memory is short there is one buffer, in which the layers of
 * frame_layers.h work a frame at a time.
 */
#ifndef VAE_FLOW_H
#define VAE_FLOW_H

#include "kernels/ops.h"

enum { VAE_FLOW_BUFFERS = 3 };

typedef enum { VAE_WHOLE_CALLS, VAE_FRAME_BY_FRAME } vae_pace;

/* The last two input frames of each causal convolution, kept from one
 * call of the decoder to the next. */
typedef struct {
    lt_tensor *of_layer; /* [2, H, W, Cin] each, in order of execution */
    bool filled;         /* false: nothing was decoded yet, only write them */
} vae_history;

typedef struct {
    lt_ops *ops;
    vae_pace pace;
    lt_tensor buffer[VAE_FLOW_BUFFERS]; /* flat, all of one size; at the pace of a frame only the
                                           first */
    int at;                             /* the buffer that holds x */
    lt_tensor x;                        /* the activation, [T, H, W, C] */
    lt_tensor latent;           /* [L, h, w, C] what this call decodes; none in the encoder */
    const vae_history *history; /* NULL: the clip is complete in one call */
    int groups;                 /* of every norm */
} vae_flow;

/* Takes the buffers, `elements` each, from the arena. x is none. */
vae_flow vae_flow_start(lt_ops *o, vae_pace pace, int64_t elements);
/* A tensor in the buffer `step` places after the one of x: 1 and 2 are free (frame by frame there
 * are none), 0 is x's own (once x is no longer needed). */
lt_tensor vae_flow_tensor(const vae_flow *f, int step, lt_shape shape);
/* Makes `x`, which stands in the buffer `step` places on, the activation. */
void vae_flow_advance(vae_flow *f, int step, lt_tensor x);

#endif
