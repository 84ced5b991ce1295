/* text_check.h - golden files of the components text.ids and text.encode. */
#ifndef TEXT_TEXT_CHECK_H
#define TEXT_TEXT_CHECK_H

#include "kernels/backend.h"
#include "weights/golden.h"

/* Computes what the file wants and reports it. LT_ERR_INPUT for an unknown component or a file that
 * lacks something. */
lt_status text_check(lt_golden *g, lt_backend *backend, lt_error *err);

#endif
