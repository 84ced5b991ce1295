/* take_check.h - the golden file of a whole take: an imported model on given draws. */
#ifndef TAKE_TAKE_CHECK_H
#define TAKE_TAKE_CHECK_H

#include "pipeline/engine.h"
#include "weights/golden.h"

/* Component `take`: reports ids, text embeddings, tokens, features, control latent, latent and
 * frames of the engine's model for the file's prompt and noise. LT_ERR_INPUT when the model and the
 * file do not fit together. */
lt_status take_check(longtake *e, lt_golden *g, lt_error *err);

#endif
