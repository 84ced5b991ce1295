/* plan_score.c - how unlikely the language model finds what a plan shows: each code behind those
 * before it, in the passes that drawing makes. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/plan/plan_session.h"
#include "pipeline/script/take_shots.h"
#include "pipeline/take_task.h"
#include "pipeline/take_text.h"
#include "tokenizer/picture_codes.h"

/* Codes of segment k that tell of the first `shown` semantic frames of the plan. */
static int codes_shown(const take_run *run, int64_t k, int64_t shown)
{
    const take_segment *segment = &run->plan.segment[k];
    const int64_t frames = shown - segment->first_frame;
    return frames < segment->frames ? ar_segment_codes(&run->engine->cfg.ar_model, (int)frames)
                                    : segment->ids;
}

/* Adds the surprise of the first `codes` codes of segment k. */
static lt_status score_segment(take_run *run, ar_session *session, int64_t k, int codes,
                               float *logits, double *nats, lt_error *err)
{
    const cfg_ar *cfg = &run->engine->cfg.ar_model;
    const take_segment *segment = &run->plan.segment[k];
    const int32_t *ids = run->plan.ids + segment->first_id;
    const int last = ar_code_offset(cfg, codes - 1);
    const ar_sampling sampling = plan_sampling_of(run, take_shot_of_segment(&run->spec, k));
    const size_t vocabulary = (size_t)cfg->vocab_size;
    const size_t rows = ar_is_guided(&sampling) ? 2 : 1;
    float *row = logits + rows * (size_t)last * vocabulary; /* [rows, vocabulary] of one draw */
    int32_t *tokens = malloc((size_t)last * sizeof *tokens);
    if (!tokens)
        return lt_fail(err, LT_ERR_RESOURCES, "score: out of memory");
    ar_layout_tokens(cfg, ids, 0, last, tokens);
    lt_status s = ar_session_logits(session, tokens, last, logits, err);
    for (int i = 0; i < codes && s == LT_OK; i++) {
        const size_t before = (size_t)ar_code_offset(cfg, i) - 1;
        double surprise = 0;
        for (size_t item = 0; item < rows; item++)
            memcpy(row + item * vocabulary, logits + (item * (size_t)last + before) * vocabulary,
                   vocabulary * sizeof *row);
        s = ar_surprise(&sampling, (uint64_t)(segment->first_id + i), row, cfg->vocab_size, ids[i],
                        &surprise, err);
        *nats += surprise;
    }
    free(tokens);
    return s;
}

static lt_status score_plan(take_run *run, int64_t shown, longtake_score *score, lt_error *err)
{
    const cfg_ar *cfg = &run->engine->cfg.ar_model;
    const size_t rows = 2 * ((size_t)ar_segment_positions(cfg, cfg->segment_frames) + 1);
    float *logits = malloc(rows * (size_t)cfg->vocab_size * sizeof *logits);
    plan_session p = {0};
    lt_status s = logits ? plan_session_open(&p, run, err)
                         : lt_fail(err, LT_ERR_RESOURCES, "score: out of memory");
    for (int64_t k = 0;
         k < run->plan.segments && run->plan.segment[k].first_frame < shown && s == LT_OK; k++) {
        const int codes = codes_shown(run, k, shown);
        s = plan_session_enter(&p, run, k, err);
        if (s == LT_OK)
            s = score_segment(run, p.session, k, codes, logits, &score->nats, err);
        score->codes += codes;
        if (s == LT_OK)
            s = plan_session_feed(&p, run, k, err);
        if (s == LT_OK)
            s = take_clock_check(&run->clock, err);
    }
    plan_session_close(&p);
    free(logits);
    return s;
}

static const take_command scoring = {.name = "score",
                                     .writes = TAKE_WRITES_TOKENS,
                                     .does = TAKE_DOES_SCORE,
                                     .reads = TAKE_READS_PROMPT | TAKE_READS_PLANNING |
                                              TAKE_READS_LENGTH,
                                     .input = "a token file",
                                     .settle = take_settle_tokens};

longtake_status longtake_score_tokens(longtake *e, const longtake_request *r, longtake_score *score,
                                      longtake_error *error)
{
    lt_error err = {0};
    take_task task;
    *score = (longtake_score){0};
    if (take_request_check(r, &err) != LT_OK || take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    take_task_open(&task, e, r, &scoring);
    take_run *run = &task.run;
    lt_status s = take_task_settle(&task, &err);
    /* draws of a change lean on what both prompts say; a plan does not say where it was */
    if (s == LT_OK && run->spec.shots > 1)
        s = lt_fail(&err, LT_ERR_USAGE, "score: found %d prompts, expected one", run->spec.shots);
    if (s == LT_OK)
        s = take_task_prepare(&task, &err);
    if (s == LT_OK && tok_plan_pictures(&task.plan, e->cfg.tokenizer.picture_codes) > 0)
        take_warn(run, "%s: has pictures, which the language model does not know", r->input);
    if (s == LT_OK)
        s = take_text_prepare(run, TAKE_FOR_AR, &err);
    if (s == LT_OK)
        s = score_plan(run, take_latents_of_frames(task.plan.video_frames), score, &err);
    if (s != LT_OK)
        *score = (longtake_score){0};
    take_task_close(&task, true);
    take_engine_leave(e);
    return take_give_error(s, &err, error);
}
