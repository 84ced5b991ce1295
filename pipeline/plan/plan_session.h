/* plan_session.h - the language model, opened for the plan of a run: what writes a plan and what
 * scores one ask the same model.
 *
 *     plan_session p;
 *     s = plan_session_open(&p, run, err);
 *     for every segment k: plan_session_enter(&p, run, k, err), then one segment with p.session
 *     plan_session_close(&p);
 */
#ifndef TAKE_PLAN_SESSION_H
#define TAKE_PLAN_SESSION_H

#include "ar_model/ar_model.h"
#include "pipeline/take_run.h"

typedef struct {
    lt_weights *weights;
    ar_model *model;
    ar_session *session;
} plan_session;

/* What a session is opened with for a plan of `segments`, the last with `last_frames`, and prompts
 * of at most `text_rows`. Its sampling is that of the first draw as far as memory goes. */
ar_session_options plan_session_options(const take_spec *s, int64_t segments, int last_frames,
                                        int text_rows);
/* Has the model positions for such a plan with the run's prompts? LT_ERR_USAGE. Reads the
 * vocabulary where that depends on it, and no weight. */
lt_status plan_session_check(take_run *run, int64_t segments, int last_frames, lt_error *err);

/* The run has its segments, and its texts for the language model. To
 * be closed after a failure too. */
lt_status plan_session_open(plan_session *p, take_run *run, lt_error *err);
void plan_session_close(plan_session *p);

/* The prompt and settings that hold from segment `k` on, where they
 * change; for every k from 0 on. */
lt_status plan_session_enter(plan_session *p, const take_run *run, int64_t k, lt_error *err);

/* Shows the model segment `k` as it is. What follows a picture begins anew, since the model does
 * not know pictures. */
lt_status plan_session_feed(plan_session *p, const take_run *run, int64_t k, lt_error *err);

/* Settings of a shot's draws, and what the model is told of the take's length. */
ar_sampling plan_sampling_of(const take_run *run, int shot);
float plan_frames_condition(const take_run *run);

#endif
