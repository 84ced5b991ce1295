/* dit_network.h - both networks as one function: (noisy latent, control latent, text, timestep) ->
 * v.
 *
 *     control layer i  ->  signal i  ->  next control layer
 *                            |
 *     main layer i  ------->  +  ------>  next main layer
 *
 * Signals are for the first control_layers main layers.
 */
#ifndef DIT_NETWORK_H
#define DIT_NETWORK_H

#include "mmdit/control_branch.h"

typedef struct {
    cfg_mmdit cfg;
    dit_branch main;
    dit_control control;
    dit_position position;
    dit_affine final_norm;      /* [d] */
    dit_affine head_norm;       /* [d], a second norm after the first */
    dit_affine head_modulation; /* [2 d, time_width]: shift, then scale */
    dit_affine head;            /* [C patch patch, d] */
} dit_network;

/* LT_ERR_INPUT when sizes of a block, or of patches and positions, do not fit each other. */
lt_status dit_check_heads(const cfg_mmdit *cfg, lt_error *err);
lt_status dit_check_patches(const cfg_mmdit *cfg, lt_error *err);
/* Asks `b` for all tensors and makes the position tables on `backend`. The
 * network must stay where it is. */
lt_status dit_network_bind(lt_binder *b, dit_network *n, const cfg_mmdit *cfg, lt_backend *backend,
                           lt_error *err);
void dit_network_close(dit_network *n, lt_backend *backend); /* accepts a zeroed one */

/* What stays the same in all steps: one text, as both networks see it. */
typedef struct {
    lt_tensor main;    /* [text_length, width], or [1, width] of the unconditional one */
    lt_tensor control; /* the same */
} dit_text;

/* text [text_length, text_width] in o->dtype, or none for the unconditional one (zeros). */
dit_text dit_project_text(lt_ops *o, const dit_network *n, lt_tensor text);

/* What both networks know of the timesteps of a run. */
typedef struct {
    lt_tensor main;    /* SiLU(e), [steps, time_width] */
    lt_tensor control; /* [steps, time_width] */
} dit_times;

/* sinusoids f32 [steps, width] of dit_time_sinusoid. */
dit_times dit_embed_times(lt_ops *o, const dit_network *n, lt_tensor sinusoids);

/* What one pass sees beside the latent. */
typedef struct {
    lt_tensor control; /* [T, H, W, C] in o->dtype */
    dit_text text;
    dit_times times;
    int known_frames; /* of which no answer is wanted */
    /* [control_layers, rows, width] of this view, to keep or to reuse; or none */
    lt_tensor signals;
    enum { DIT_SIGNALS_COMPUTE, DIT_SIGNALS_KEEP, DIT_SIGNALS_REUSE } signals_are;
} dit_view;

/* Room for the signals of a view. */
lt_tensor dit_signals_new(lt_ops *o, const dit_network *n, const dit_view *view, lt_tensor latent);

/* latent f32 [T, H, W, C] at timestep `step` of the view's -> v f32 [T - known_frames, H, W, C]. */
lt_tensor dit_denoise(lt_ops *o, const dit_network *n, const dit_view *view, lt_tensor latent,
                      int step);

#endif
