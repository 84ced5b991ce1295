/* token_io.h - plans in and out of token files, with notes of how they were made. */
#ifndef TAKE_TOKEN_IO_H
#define TAKE_TOKEN_IO_H

#include "pipeline/output_kind.h"
#include "pipeline/take_run.h"
#include "tokenizer/token_plan.h"

/* What is noted of a plan beside its model; all of it may be NULL. */
typedef struct {
    const char *prompt;
    const char *seed;
    const lt_json *settings;
} take_plan_notes;

/* Writes the run's plan to the request's output. */
lt_status take_tokens_write(take_run *run, take_output_kind kind, const take_plan_notes *notes,
                            lt_error *err);
/* Reads a token file ("-": standard input) that must be of the engine's layout. */
lt_status take_tokens_read(const longtake *e, const char *path, tok_plan *out, lt_error *err);
/* Warns when the file that the plan was read from is not as it was written. */
void take_warn_if_altered(take_run *run, const char *path, const tok_plan *plan);
/* Tokens that a caller may hold; takes over `plan`, also when it fails. */
lt_status take_tokens_wrap(tok_plan *plan, longtake_tokens **out, lt_error *err);
/* The plan of tokens that a caller holds, with his edits, checked. */
lt_status take_tokens_plan(const longtake_tokens *tokens, tok_plan *out, lt_error *err);

#endif
