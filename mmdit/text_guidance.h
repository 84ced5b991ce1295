/* text_guidance.h - one clean latent from those with and without the text. */
#ifndef DIT_TEXT_GUIDANCE_H
#define DIT_TEXT_GUIDANCE_H

#include "kernels/ops.h"

typedef enum {
    DIT_GUIDANCE_CFG, /* uncond + w (cond - uncond) */
    DIT_GUIDANCE_APG  /* only the part of the difference that is orthogonal to cond: less
                         oversaturation at high w */
} dit_guidance_kind;

void dit_guide_cfg(lt_ops *o, double w, lt_tensor out, lt_tensor cond, lt_tensor uncond);

/* Adaptive projected guidance (Sadat et al., 2024), without its momentum and norm limit. Two
 * latents come to the host for the projection's two dot products: `scratch` holds 2 x numel(cond)
 * values. */
void dit_guide_apg(lt_ops *o, double w, lt_tensor out, lt_tensor cond, lt_tensor uncond,
                   float *scratch);

#endif
