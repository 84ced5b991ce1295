/* control_branch.h - the network that sees the semantics: one signal for each of the first main
 * layers.
 *
 * Its input is the noisy latent plus the control latent. After each layer comes a linear map whose
 * output is both the signal for the main layer of that number and the input of the next control
 * layer.
 */
#ifndef DIT_CONTROL_BRANCH_H
#define DIT_CONTROL_BRANCH_H

#include "mmdit/dit_branch.h"

typedef struct {
    dit_branch branch;
    /* [layers] of [d, d]; zero when training began, hence the name; owned */
    lt_weight *zero_linears;
} dit_control;

lt_status dit_control_bind(lt_binder *b, dit_control *w, const cfg_mmdit *cfg, lt_error *err);
void dit_control_close(dit_control *w); /* accepts a zeroed one */

/* latent f32 [T, H, W, C] + control [T, H, W, C] -> the network's first state. */
dit_sequence dit_control_embed(lt_ops *o, const dit_control *w, const dit_position *position,
                               lt_tensor latent, lt_tensor control, lt_tensor text_rows);

/* Layer i: `state` is used up; the projected output goes to `signal` [n, d]. Then swap the two. */
void dit_control_layer(lt_ops *o, const dit_control *w, int i, int heads, dit_sequence state,
                       lt_tensor signal, lt_tensor time);

#endif
