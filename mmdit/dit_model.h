/* dit_model.h - the diffusion stage: semantic features and text become latents, one window at a
 * time.
 *
 *     dit_model *m;
 *     LT_TRY(dit_model_open(weights, &cfg->mmdit, backend, &m, err));
 *     LT_TRY(dit_control_latent(m, features, T, control, err));
 *     dit_request r;
 *     dit_request_init(&r);
 *     r.frames = T, r.control = control, r.text = text, ...
 *     LT_TRY(dit_refine(m, &r, latent, err));
 *     dit_model_close(m);
 *
 * Latents are in scaled latent space (VAE latent x scale_factor), [T, C, H, W] f32 on the host.
 */
#ifndef DIT_MODEL_H
#define DIT_MODEL_H

#include "mmdit/dit_sampler.h"

typedef struct dit_model dit_model;

/* Binds all tensors of both networks and the upsample decoder; keeps a reference to `weights`.
 * LT_ERR_INPUT names every missing or misshapen tensor. */
lt_status dit_model_open(lt_weights *weights, const cfg_mmdit *cfg, lt_backend *backend,
                         dit_model **out, lt_error *err);
void dit_model_close(dit_model *m); /* accepts NULL */

/* features [T, h, w, in_channels], T >= 1 -> control [T, C, H, W]. Frames do not see each other: a
 * window may be put together from frames computed earlier. */
lt_status dit_control_latent(dit_model *m, const float *features, int frames, float *control,
                             lt_error *err);

/* Fills latent [T, C, H, W]; its first known_frames are the request's known ones. It must not
 * overlap what the request points to. */
lt_status dit_refine(dit_model *m, const dit_request *r, float *latent, lt_error *err);

#endif
