/* take_text.h - prompts -> text embeddings, once per network and shot. */
#ifndef TAKE_TAKE_TEXT_H
#define TAKE_TAKE_TEXT_H

#include "pipeline/take_run.h"

/* Tells how prompts are read: words that others were put in for, that the model does not know, or
 * of which it shows one at a time. */
lt_status take_text_tell(take_run *run, lt_error *err);
/* Text embeddings of all shots for one network; of a run that looks only, their keys. */
lt_status take_text_prepare(take_run *run, take_text_role role, lt_error *err);
/* Rows of the longest prompt as the language model reads it; 1 where there is no vocabulary. */
lt_status take_text_rows(take_run *run, int *rows, lt_error *err);

#endif
