/* plan_session.c - see plan_session.h. */
#include "pipeline/plan/plan_session.h"

#include "pipeline/plan/take_plan.h"
#include "pipeline/script/take_shots.h"
#include "pipeline/take_text.h"

ar_sampling plan_sampling_of(const take_run *run, int shot)
{
    const take_spec *s = &run->spec;
    ar_sampling a;
    ar_sampling_init(&a);
    a.seed = s->shot[shot].seed;
    a.guidance = s->shot[shot].lm_cfg;
    a.temperature = s->temperature;
    a.filter = s->top_k > 0 ? AR_KEEP_TOP_K : s->top_p > 0 ? AR_KEEP_TOP_P : AR_KEEP_ALL;
    a.top_k = s->top_k;
    a.top_p = s->top_p;
    return a;
}

float plan_frames_condition(const take_run *run)
{
    return ar_frames_condition(&run->engine->cfg.ar_model, run->spec.time.latents);
}

static int longest_text(const take_run *run)
{
    int most = 1;
    for (int i = 0; i < run->spec.shots; i++)
        if (run->text[TAKE_FOR_AR][i].count > most)
            most = run->text[TAKE_FOR_AR][i].count;
    return most;
}

ar_session_options plan_session_options(const take_spec *s, int64_t segments, int last_frames,
                                        int text_rows)
{
    ar_session_options options = {.context = s->lm_context,
                                  .segments = segments,
                                  .last_frames = last_frames,
                                  .text_rows = text_rows,
                                  .may_lean = take_leans(s)};
    ar_sampling_init(&options.sampling);
    options.sampling.guidance = take_opening_lm_cfg(s);
    return options;
}

lt_status plan_session_check(take_run *run, int64_t segments, int last_frames, lt_error *err)
{
    const cfg_model *cfg = &run->engine->cfg;
    ar_session_options options =
        plan_session_options(&run->spec, segments, last_frames, cfg->text_ar.max_length);
    if (ar_positions_check(&cfg->ar_model, &options, NULL) == LT_OK)
        return LT_OK;
    LT_TRY(take_text_rows(run, &options.text_rows, err));
    return ar_positions_check(&cfg->ar_model, &options, err);
}

lt_status plan_session_open(plan_session *p, take_run *run, lt_error *err)
{
    longtake *e = run->engine;
    const int64_t segments = run->plan.segments;
    ar_session_options options = plan_session_options(
        &run->spec, segments, run->plan.segment[segments - 1].frames, longest_text(run));
    options.sampling = plan_sampling_of(run, 0);
    options.sampling.guidance = take_opening_lm_cfg(&run->spec);
    *p = (plan_session){0};
    LT_TRY(take_engine_weights(e, TAKE_NET_AR, &p->weights, err));
    LT_TRY(ar_model_open(p->weights, &e->cfg.ar_model, e->backend, &p->model, err));
    return ar_session_open(p->model, &options, &p->session, err);
}

void plan_session_close(plan_session *p)
{
    ar_session_close(p->session);
    ar_model_close(p->model);
    lt_weights_close(p->weights);
    *p = (plan_session){0};
}

lt_status plan_session_enter(plan_session *p, const take_run *run, int64_t k, lt_error *err)
{
    const int shot = take_shot_of_segment(&run->spec, k);
    if (k > 0 && shot == take_shot_of_segment(&run->spec, k - 1))
        return LT_OK;
    const take_text *text = &run->text[TAKE_FOR_AR][shot];
    const ar_condition condition = {.text = text->rows,
                                    .text_rows = text->count,
                                    .frames = plan_frames_condition(run),
                                    .motion = (float)run->spec.shot[shot].motion,
                                    .change_weight = run->spec.shot[shot].shot_cfg};
    const ar_sampling sampling = plan_sampling_of(run, shot);
    LT_TRY(ar_session_sampling(p->session, &sampling, err));
    return ar_session_condition(p->session, &condition, err);
}

lt_status plan_session_feed(plan_session *p, const take_run *run, int64_t k, lt_error *err)
{
    const take_segment *s = &run->plan.segment[k];
    LT_TRY(ar_session_feed(p->session, run->plan.ids + s->first_id, s->frames, err));
    if (take_plan_is_picture(run, k))
        ar_session_forget(p->session);
    return LT_OK;
}
