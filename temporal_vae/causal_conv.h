/* causal_conv.h - the 3x3x3 convolution that never looks at later frames.
 *
 *     out[t] uses in[t-2], in[t-1], in[t]
 *
 * Before the first frame of a stream stands that frame itself, twice (never zeros); before the
 * first frame of a later call stand the last two frames of the call before. What is kept is the
 * input of the convolution, so after norm and swish. In space a ring of zeros surrounds every
 * frame, the kept ones too.
 */
#ifndef VAE_CAUSAL_CONV_H
#define VAE_CAUSAL_CONV_H

#include "temporal_vae/vae_flow.h"
#include "temporal_vae/vae_levels.h"
#include "weights/weights.h"

typedef struct {
    lt_weight weight; /* [Cout, Cin, 3, 3, 3] */
    lt_weight bias;   /* [Cout] */
    int layer;        /* its place in vae_history.of_layer */
} vae_conv;

/* Asks for `NAME.conv.weight` and `NAME.conv.bias`. */
void vae_conv_bind(lt_binder *b, vae_conv *c, int in, int out, int layer, const char *name);
/* out = conv(x) + add; x [T, H, W, Cin], out and add [T, H, W, Cout], add may be none. Reads and
 * replaces the layer's history where the flow has one. */
void vae_conv_into(const vae_flow *f, lt_tensor out, lt_tensor x, const vae_conv *c, lt_tensor add);
/* The same from the frames that stand before x, [2, H, W, Cin] in `kept`, which then holds those
 * before what follows x. filled false: nothing stands there yet. */
void vae_conv_after_into(lt_ops *o, lt_tensor out, lt_tensor x, const vae_conv *c, lt_tensor add,
                         lt_tensor kept, bool filled);

#endif
