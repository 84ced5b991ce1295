/* tok_check.h - golden files of the tokenizer: tokenizer.theia, tokenizer.encode,
 * tokenizer.quantize, tokenizer.decode. */
#ifndef TOK_CHECK_H
#define TOK_CHECK_H

#include "weights/golden.h"

/* Computes what the file wants and reports it; LT_ERR_INPUT for a
 * component that is not of this stage. */
lt_status tok_check(lt_golden *g, lt_backend *backend, lt_error *err);

#endif
