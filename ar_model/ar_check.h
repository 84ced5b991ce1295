/* ar_check.h - golden files of the language model: ar.micro_condition, ar.text_condition,
 * ar.logits, ar.uniforms, ar.sample. */
#ifndef AR_CHECK_H
#define AR_CHECK_H

#include "weights/golden.h"

/* Computes what the file wants and reports it; LT_ERR_INPUT for a
 * component that is not of this stage. */
lt_status ar_check(lt_golden *g, lt_backend *backend, lt_error *err);

#endif
