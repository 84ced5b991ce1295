/* dit_sampler.h - noise becomes the latents of one window. */
#ifndef DIT_SAMPLER_H
#define DIT_SAMPLER_H

#include <stdint.h>

#include "mmdit/dit_network.h"
#include "mmdit/guidance_scale.h"
#include "mmdit/noise_schedule.h"
#include "mmdit/speed_plan.h"
#include "mmdit/text_guidance.h"

/* Step 1 .. steps is done. `x0` is the clean latent as foreseen now, [T, C, H, W], where a preview
 * is due, else NULL. A non-zero return cancels. */
typedef int (*dit_progress)(void *user, int step, int steps, const float *x0);

/* One window. Host arrays stay the caller's; latents are in scaled latent
 * space, [frame, C, H, W] f32. */
typedef struct {
    int frames;           /* T, 1 .. latent_frames */
    const float *control; /* [T, C, H, W], of dit_control_latent */
    const float *text;    /* [text_length, text_width], with text */
    const float *known;   /* [known_frames, C, H, W]: first latents of the window that are there
                             already */
    int known_frames;     /* 0 .. T-1 */
    cfg_carry carry; /* known latents stay clean in all steps (latents, frames), or are noised to
                        each step's level */
    double anchor; /* how far the networks see known latents drawn to the control latents: 0 not at
                      all, 1 = these */
    int steps;     /* of the exact run; 0: as the config says */
    dit_speed speed;
    double scale; /* of the guidance */
    dit_scale_kind scale_kind;
    dit_guidance_kind guidance;

    uint64_t seed; /* noise: Philox counters of (seed, window, step) */
    uint32_t window;
    const float *const *draws; /* or, where not NULL, the release's draws in its order, each [T or
                                  known_frames, C, H, W] */
    int draw_count;

    dit_progress progress; /* or NULL */
    void *user;
    int preview_every; /* steps from one preview to the next, the last of all included; 0: none */
} dit_request;

/* Released values: official scale 6, plain guidance, carry of
 * latents; seed 42, no known latents. */
void dit_request_init(dit_request *r);

/* Normal draws that the release makes in a run (98 for 50 steps); some are thrown away. */
int dit_official_draws(int steps, cfg_carry carry, int known_frames);
/* Frames of draw `k`: those of the window, or the known ones where they are re-noised. */
int dit_official_draw_frames(const dit_request *r, int k);

/* LT_ERR_USAGE when the request makes no sense, LT_ERR_CANCELLED when the callback asks for it. */
lt_status dit_sample(lt_ops *o, const dit_network *n, const dit_request *r, float *latent,
                     lt_error *err);

#endif
