/* take_plan.h - the semantic plan of a run: ids of every segment, made by the language model or
 * given by a token file, a reference or shots. */
#ifndef TAKE_TAKE_PLAN_H
#define TAKE_TAKE_PLAN_H

#include "pipeline/take_run.h"
#include "tokenizer/token_plan.h"

/* Ids of all segments of the spec: what reference and shots give, else from the job folder or the
 * language model. */
lt_status take_plan_make(take_run *run, lt_error *err);
/* The same without the language model: *have says how many segments from the first on are there. */
lt_status take_plan_look(take_run *run, int64_t *have, lt_error *err);
/* Takes a token file's plan. Borrows nothing. LT_ERR_INPUT when it does not fit. */
lt_status take_plan_give(take_run *run, const tok_plan *plan, lt_error *err);
/* Lays the codes of `plan` on the run's segments, from segment `first` up to before `end`, where
 * nothing is given yet. LT_ERR_INPUT with `place` when it does not fit. */
lt_status take_plan_lay(take_run *run, const tok_plan *plan, int64_t first, int64_t end,
                        const char *place, lt_error *err);
/* LT_ERR_INPUT when a plan is of another model's layout. */
lt_status take_plan_fits(const tok_plan *plan, const cfg_ar *cfg, lt_error *err);

/* The segment that holds semantic frame g, which may lie behind the plan's end, and the frame's
 * place in it. */
int64_t take_plan_at(const take_plan *plan, int64_t g, int *frame);
/* Codes of segment k as stored, specials clamped: [segment[k].ids]. */
void take_plan_codes(const take_run *run, int64_t segment, int32_t *codes);
/* Is segment `k` a picture (tokenizer/picture_codes.h)? Only what was given may be one. */
bool take_plan_is_picture(const take_run *run, int64_t k);

#endif
