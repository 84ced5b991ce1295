/* take_plan.c - see take_plan.h.
 *
 * A segment is a product of the job folder ("tokens.003"), keyed by everything before it, so a
 * killed run goes on from its last whole segment: what the model writes depends only on the
 * condition, the settings and the ids before.
 */
#include "pipeline/plan/take_plan.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/plan/plan_session.h"
#include "pipeline/plan/shot_plan.h"
#include "pipeline/script/take_shots.h"
#include "pipeline/take_reference.h"
#include "tokenizer/picture_codes.h"

void take_plan_codes(const take_run *run, int64_t segment, int32_t *codes)
{
    const take_segment *s = &run->plan.segment[segment];
    for (int i = 0; i < s->ids; i++)
        codes[i] = ar_output_code(&run->engine->cfg.ar_model, run->plan.ids[s->first_id + i]);
}

int64_t take_plan_at(const take_plan *plan, int64_t g, int *frame)
{
    int64_t k = 0;
    int64_t last = plan->segments - 1;
    if (g >= plan->frames)
        g = plan->frames - 1;
    while (k < last) {
        const int64_t middle = k + (last - k + 1) / 2;
        if (plan->segment[middle].first_frame <= g)
            k = middle;
        else
            last = middle - 1;
    }
    *frame = (int)(g - plan->segment[k].first_frame);
    return k;
}

bool take_plan_is_picture(const take_run *run, int64_t k)
{
    const take_segment *s = &run->plan.segment[k];
    return tok_shows_picture(run->engine->cfg.tokenizer.picture_codes, run->plan.ids + s->first_id,
                             s->ids);
}

/* Room for `segments` segments. */
static lt_status reserve(take_run *run, int64_t segments, lt_error *err)
{
    run->plan.segments = segments;
    run->plan.segment = calloc((size_t)segments, sizeof *run->plan.segment);
    return run->plan.segment ? LT_OK
                             : lt_fail(err, LT_ERR_RESOURCES,
                                       "plan of %lld segments: out of memory", (long long)segments);
}

/* Places segment k, of `frames` semantic frames, behind the one before. */
static void place_segment(take_run *run, int64_t k, int frames)
{
    take_segment *s = &run->plan.segment[k];
    s->first_frame = run->plan.frames;
    s->frames = frames;
    s->first_id = run->plan.id_count;
    s->ids = ar_segment_codes(&run->engine->cfg.ar_model, frames);
    run->plan.frames += frames;
    run->plan.id_count += s->ids;
}

static lt_status reserve_ids(take_run *run, lt_error *err)
{
    run->plan.ids = calloc((size_t)run->plan.id_count, sizeof *run->plan.ids);
    return run->plan.ids ? LT_OK
                         : lt_fail(err, LT_ERR_RESOURCES, "plan of %lld tokens: out of memory",
                                   (long long)run->plan.id_count);
}

lt_status take_plan_fits(const tok_plan *plan, const cfg_ar *cfg, lt_error *err)
{
    const tok_layout *l = &plan->layout;
    if (l->segment_frames == cfg->segment_frames && l->i_tokens == cfg->i_tokens &&
        l->p_tokens == cfg->p_tokens && l->codebook_size == cfg->codebook_size)
        return LT_OK;
    return lt_fail(
        err, LT_ERR_INPUT,
        "plan: segments of %d frames with %d and %d of %d codes, this model has %d with %d and %d of %d",
        l->segment_frames, l->i_tokens, l->p_tokens, l->codebook_size, cfg->segment_frames,
        cfg->i_tokens, cfg->p_tokens, cfg->codebook_size);
}

lt_status take_plan_give(take_run *run, const tok_plan *plan, lt_error *err)
{
    LT_TRY(take_plan_fits(plan, &run->engine->cfg.ar_model, err));
    LT_TRY(reserve(run, plan->segments, err));
    for (int64_t k = 0; k < plan->segments; k++)
        place_segment(run, k, plan->frames[k]);
    LT_TRY(reserve_ids(run, err));
    for (int64_t i = 0; i < run->plan.id_count; i++)
        run->plan.ids[i] = plan->tokens[i];
    take_key key;
    take_key_begin(&key, "given tokens");
    for (int64_t k = 0; k < plan->segments; k++) {
        take_segment *s = &run->plan.segment[k];
        take_key_bytes(&key, run->plan.ids + s->first_id, (size_t)s->ids * sizeof *run->plan.ids);
        s->key = take_key_end(&key);
    }
    return LT_OK;
}

lt_status take_plan_lay(take_run *run, const tok_plan *plan, int64_t first, int64_t end,
                        const char *place, lt_error *err)
{
    const uint16_t *codes = plan->tokens;
    int64_t count = 0;
    LT_TRY(take_plan_fits(plan, &run->engine->cfg.ar_model, err));
    for (int64_t k = 0; k < plan->segments && first + k < end; k++, codes += count) {
        take_segment *s = &run->plan.segment[first + k];
        count = tok_layout_tokens(&plan->layout, plan->frames[k]);
        if (count < s->ids && k + 1 < plan->segments && first + k + 1 < end)
            return lt_fail(
                err, LT_ERR_INPUT,
                "%s: segment %lld has %d semantic frames, expected %d: plans that were joined or cut "
                "elsewhere than at segments do not lie on a take's own",
                place, (long long)k, plan->frames[k], s->frames);
        for (; s->given < s->ids && s->given < count; s->given++)
            run->plan.ids[s->first_id + s->given] = codes[s->given];
    }
    return LT_OK;
}

/* Keys of all segments: each holds the one before. */
static lt_status make_keys(take_run *run, lt_error *err)
{
    const take_spec *s = &run->spec;
    lt_hash previous = {0, 0};
    for (int64_t k = 0; k < run->plan.segments; k++) {
        const int shot = take_shot_of_segment(s, k);
        take_key key;
        LT_TRY(take_key_of_stage(run->engine, &key, "tokens", TAKE_NET_AR, err));
        take_key_hash(&key, previous);
        take_key_hash(&key, run->text[TAKE_FOR_AR][shot].key);
        take_key_real(&key, s->shot[shot].motion);
        take_key_int(&key, s->shot[shot].seed);
        take_key_real(&key, plan_frames_condition(run));
        take_key_int(&key, run->plan.segment[k].frames);
        take_key_real(&key, s->shot[shot].lm_cfg);
        take_key_real(&key, s->temperature);
        take_key_int(&key, s->top_k);
        take_key_real(&key, s->top_p);
        take_key_int(&key, s->lm_context);
        if (shot > 0)
            take_key_real(&key, s->shot[shot].shot_cfg);
        const take_segment *segment = &run->plan.segment[k];
        if (segment->given > 0)
            take_key_bytes(&key, run->plan.ids + segment->first_id,
                           (size_t)segment->given * sizeof *run->plan.ids);
        previous = run->plan.segment[k].key = take_key_end(&key);
    }
    return LT_OK;
}

static take_product product_of(const take_run *run, int64_t segment)
{
    return (take_product){"tokens", segment, run->plan.segment[segment].key};
}

/* Fills the segments that the job folder holds, from the first on; *have counts them. */
static lt_status read_products(take_run *run, int64_t *have, lt_error *err)
{
    for (*have = 0; *have < run->plan.segments; (*have)++) {
        const take_segment *segment = &run->plan.segment[*have];
        bool found = false;
        if (segment->given == segment->ids)
            continue;
        LT_TRY(take_job_read(run->job, product_of(run, *have), run->plan.ids + segment->first_id,
                             (size_t)segment->ids * sizeof *run->plan.ids, &found, err));
        if (!found)
            break;
        take_clock_found(&run->clock, TAKE_TOKENS, segment->ids - segment->given);
    }
    return LT_OK;
}

typedef struct {
    take_run *run;
    int told; /* codes of the segment that the clock knows of */
} code_counter;

static int on_code(void *user, int done, int total)
{
    enum { EVERY = 16 }; /* codes between two events; the first one shows that codes come at all */
    code_counter *c = user;
    if (done != 1 && done % EVERY != 0 && done != total)
        return 0;
    const lt_status s = take_clock_step(&c->run->clock, done, done - c->told, NULL);
    c->told = done;
    return s != LT_OK;
}

static lt_status write_segment(take_run *run, ar_session *session, int64_t k, lt_error *err)
{
    const take_segment *segment = &run->plan.segment[k];
    int32_t *ids = run->plan.ids + segment->first_id;
    code_counter counter = {.run = run, .told = segment->given};
    const ar_progress progress = {.code = on_code, .user = &counter};
    take_clock_enter(&run->clock, TAKE_TOKENS, k, run->plan.segments, segment->ids);
    lt_status s = ar_session_segment(session, segment->frames, ids, segment->given, &progress, err);
    if (s == LT_OK)
        s = take_job_put(run->job, product_of(run, k), ids, (size_t)segment->ids * sizeof *ids,
                         err);
    take_clock_leave(&run->clock);
    return s;
}

static lt_status write_segments(take_run *run, plan_session *p, int64_t have, lt_error *err)
{
    for (int64_t k = 0; k < run->plan.segments; k++) {
        const take_segment *segment = &run->plan.segment[k];
        LT_TRY(plan_session_enter(p, run, k, err));
        if (k < have || segment->given == segment->ids)
            LT_TRY(plan_session_feed(p, run, k, err));
        else
            LT_TRY(write_segment(run, p->session, k, err));
    }
    return LT_OK;
}

static lt_status open_and_write(take_run *run, int64_t have, lt_error *err)
{
    plan_session p;
    lt_status s = plan_session_open(&p, run, err);
    if (s == LT_OK)
        s = write_segments(run, &p, have, err);
    plan_session_close(&p);
    return s;
}

/* What reference and shots give of the plan. */
static lt_status lay_given(take_run *run, lt_error *err)
{
    const take_reference *f = run->reference;
    if (f)
        LT_TRY(take_plan_lay(run, &f->plan, 0, run->plan.segments, f->path, err));
    return take_plan_of_shots(run, err);
}

/* Behind pictures the take shows something else. */
static void tell_of_pictures(take_run *run)
{
    const int64_t shown = take_latents_of_frames(run->spec.time.frames);
    int64_t pictures = 0;
    for (int64_t k = 0; k < run->plan.segments && run->plan.segment[k].first_frame < shown; k++) {
        const take_segment *s = &run->plan.segment[k];
        pictures += take_plan_is_picture(run, k);
        if (s->given == s->ids || pictures == 0)
            continue;
        take_note(
            run,
            "%lld given frame%s of the plan %s, not of the model's world: what follows %s begins anew, by its prompt alone",
            (long long)pictures, pictures == 1 ? "" : "s",
            pictures == 1 ? "is a picture" : "are pictures", pictures == 1 ? "it" : "them");
        return;
    }
}

lt_status take_plan_look(take_run *run, int64_t *have, lt_error *err)
{
    LT_TRY(reserve(run, run->spec.time.segments, err));
    for (int64_t k = 0; k < run->plan.segments; k++)
        place_segment(run, k, take_segment_frames(&run->spec.time, k));
    LT_TRY(reserve_ids(run, err));
    LT_TRY(lay_given(run, err));
    tell_of_pictures(run);
    LT_TRY(make_keys(run, err));
    int64_t given = 0;
    for (int64_t k = 0; k < run->plan.segments; k++)
        given += run->plan.segment[k].given;
    take_clock_plan(&run->clock, TAKE_TOKENS, (double)(run->plan.id_count - given));
    return read_products(run, have, err);
}

lt_status take_plan_make(take_run *run, lt_error *err)
{
    int64_t have = 0;
    LT_TRY(take_plan_look(run, &have, err));
    return have == run->plan.segments ? LT_OK : open_and_write(run, have, err);
}
