/* vae_model.h - the weights of the temporal VAE, bound and ready.
 *
 *     vae_model *vae;
 *     LT_TRY(vae_open(weights, &cfg.temporal_vae, backend, VAE_DECODER, &vae, err));
 *     ...                                  decode with vae_decoder.h, encode with vae_encoder.h
 *     vae_close(vae);
 *
 * Tensor names are the release's: `encoder.*` and `decoder.*`, for any number of levels.
 */
#ifndef VAE_MODEL_H
#define VAE_MODEL_H

#include "configs/vae_config.h"
#include "kernels/ops.h"
#include "temporal_vae/vae_levels.h"
#include "weights/weights.h"

typedef struct vae_model vae_model; /* immutable; may serve several decoders */

/* What to open: VAE_ENCODER | VAE_DECODER. VAE_SPARE_MEMORY: their passes go frame by frame
 * (frame_layers.h), in the same bytes on a host. */
enum { VAE_ENCODER = 1, VAE_DECODER = 2, VAE_SPARE_MEMORY = 4 };

/* Binds one half or both of `what`; the other half's tensors may be absent. `backend` must outlive
 * the model. LT_ERR_INPUT with all missing and misshapen names. */
lt_status vae_open(lt_weights *weights, const cfg_vae *cfg, lt_backend *backend, unsigned what,
                   vae_model **out, lt_error *err);
void vae_close(vae_model *m); /* accepts NULL */

const cfg_vae *vae_config(const vae_model *m);

#endif
