/* text_encoder.h - ids to vectors: the encoder half of T5 v1.1.
 *
 *     text_encoder *e;
 *     LT_TRY(text_encoder_open(file, &cfg, backend, &e, err));
 *     LT_TRY(text_encode(e, ids, n, hidden, err));            // hidden [n, d_model]
 *     text_encoder_close(e);
 *
 * No position is masked: <pad> ids are positions like any other, and the diffusion stage relies on
 * that.
 */
#ifndef TEXT_TEXT_ENCODER_H
#define TEXT_TEXT_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "configs/text_config.h"
#include "weights/weights.h"

typedef struct text_encoder text_encoder;

/* Binds the encoder's tensors (names of the public checkpoints). The backend must outlive the
 * encoder; the file may be closed. LT_ERR_INPUT with all missing and misshapen names. */
lt_status text_encoder_open(lt_weights *file, const cfg_text *cfg, lt_backend *backend,
                            text_encoder **out, lt_error *err);
void text_encoder_close(text_encoder *e); /* accepts NULL */

/* hidden [n, d_model] = the encoder's output for n >= 1 ids. LT_ERR_INPUT for
 * an id outside the vocabulary. */
lt_status text_encode(text_encoder *e, const int32_t *ids, int n, float *hidden, lt_error *err);

#endif
