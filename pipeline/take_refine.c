/* take_refine.c - refining one window after the other; see take_refine.h. */
#include "pipeline/take_refine.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/frame_sizes.h"
#include "pipeline/plan/take_plan.h"
#include "pipeline/script/take_shots.h"
#include "pipeline/take_reference.h"
#include "pipeline/take_retake.h"

/* of a window at most, and not at every step: of mini one costs a hundredth of a step */
enum { PREVIEWS = 5 };

/* Windows before `end`, of all layers, that are refined for the take. */
static int64_t windows_to_make(const take_spec *s, int64_t end)
{
    int64_t count = 0;
    for (int layer = 0; layer <= s->retakes; layer++)
        for (int64_t c = 0; c < end; c++)
            count += take_layer_owns(s, layer, c) && take_layer_needs(s, layer, c);
    return count;
}

/* Full segments that a window of `frames` semantic frames can touch. */
static int most_segments(int frames, int segment_frames)
{
    return frames < 2 ? 1 : (frames - 2) / segment_frames + 2;
}

lt_status take_refiner_open(take_refiner *r, take_run *run, lt_error *err)
{
    const cfg_mmdit *cfg = &run->engine->cfg.mmdit;
    *r = (take_refiner){.run = run, .values = take_latent_values(cfg)};
    r->kept_count = most_segments(cfg->latent_frames, run->engine->cfg.ar_model.segment_frames);
    r->kept = calloc((size_t)r->kept_count, sizeof *r->kept);
    r->control = malloc((size_t)(cfg->latent_frames * r->values) * sizeof *r->control);
    if (!r->kept || !r->control)
        return lt_fail(err, LT_ERR_RESOURCES, "refine: out of memory");
    for (int i = 0; i < r->kept_count; i++)
        r->kept[i].segment = -1;
    const take_spec *s = &run->spec;
    take_clock_plan(&run->clock, TAKE_REFINE,
                    (double)(windows_to_make(s, s->time.windows) * take_steps_run(s)));
    /* every window but the last is decoded and encoded again for the next */
    if (s->carry == CFG_CARRY_FRAMES)
        take_clock_plan(&run->clock, TAKE_ENCODE, (double)windows_to_make(s, s->time.windows - 1));
    return LT_OK;
}

void take_refiner_rest(take_refiner *r)
{
    dit_model_close(r->network);
    tok_close(r->semantics);
    tok_picture_motion_clear(&r->motion);
    lt_weights_close(r->network_file);
    lt_weights_close(r->tokenizer_file);
    r->network = NULL;
    r->semantics = NULL;
    r->network_file = NULL;
    r->tokenizer_file = NULL;
}

void take_refiner_close(take_refiner *r)
{
    take_refiner_rest(r);
    for (int i = 0; r->kept && i < r->kept_count; i++) {
        free(r->kept[i].control);
        free(r->kept[i].features);
    }
    free(r->kept);
    free(r->control);
    take_preview_close(&r->preview);
    *r = (take_refiner){0};
}

static lt_status open_networks(take_refiner *r, lt_error *err)
{
    longtake *e = r->run->engine;
    if (r->network)
        return LT_OK;
    if (r->run->request->preview && !r->preview.frame)
        LT_TRY(take_preview_open(&r->preview, r->run, err));
    LT_TRY(take_engine_weights(e, TAKE_NET_TOKENIZER, &r->tokenizer_file, err));
    LT_TRY(tok_open(r->tokenizer_file, &e->cfg.tokenizer, e->backend, TOK_DECODER, &r->semantics,
                    err));
    if (e->cfg.tokenizer.picture_codes > 0)
        LT_TRY(tok_picture_motion_load(r->tokenizer_file, e->cfg.mmdit.latent_channels, &r->motion,
                                       err));
    LT_TRY(take_engine_weights(e, TAKE_NET_MMDIT, &r->network_file, err));
    return dit_model_open(r->network_file, &e->cfg.mmdit, e->backend, &r->network, err);
}

/* What window 0 begins with: nothing, or a reference's latents. */
static lt_hash beginning_of(const take_run *run)
{
    return run->reference ? run->reference->hash : (lt_hash){0, 0};
}

/* Does window c begin with latents that the VAE has made of frames? */
static bool begins_with_frames(const take_run *run, int64_t c)
{
    return c == 0 ? run->reference != NULL : run->spec.carry == CFG_CARRY_FRAMES;
}

/* Does the window show something new, all of it pictures (tokenizer/picture_codes.h)? */
static bool is_of_pictures(const take_run *run, const take_window *w)
{
    for (int i = w->known; i < w->shown; i++) {
        int frame = 0;
        if (!take_plan_is_picture(run, take_plan_at(&run->plan, w->first_latent + i, &frame)))
            return false;
    }
    return w->shown > w->known;
}

lt_status take_refine_key(take_refiner *r, int layer, int64_t c, lt_hash before, lt_hash *key,
                          lt_error *err)
{
    take_run *run = r->run;
    const take_spec *s = &run->spec;
    const take_window w = take_window_at(&s->time, c);
    const int shot = take_shot_of_window(s, c);
    lt_hash tokenizer;
    LT_TRY(take_engine_hash(run->engine, TAKE_NET_TOKENIZER, &tokenizer, err));
    take_key k;
    LT_TRY(take_key_of_stage(run->engine, &k, "latents", TAKE_NET_MMDIT, err));
    take_key_hash(&k, tokenizer);
    take_key_hash(&k, c == 0 ? beginning_of(run) : before);
    take_key_hash(&k, run->text[TAKE_FOR_MMDIT][shot].key);
    int frame = 0;
    int64_t first = take_plan_at(&run->plan, w.first_latent, &frame);
    if (first > 0 && take_plan_is_picture(run, first)) /* what moves is seen from the one before */
        first--;
    const int64_t last = take_plan_at(&run->plan, w.first_latent + w.latents - 1, &frame);
    for (int64_t segment = first; segment <= last; segment++) {
        const take_segment *plan = &run->plan.segment[segment];
        take_key_int(&k, plan->first_frame);
        take_key_bytes(&k, run->plan.ids + plan->first_id,
                       (size_t)plan->ids * sizeof *run->plan.ids);
    }
    take_key_int(&k, w.first_latent);
    take_key_int(&k, w.known);
    take_key_int(&k, take_layer_seed(s, layer, c));
    take_key_int(&k, c);
    take_key_int(&k, s->steps);
    take_key_int(&k, s->listed_timesteps);
    take_key_real(&k, s->shot[shot].cfg_scale);
    take_key_int(&k, s->schedule);
    take_key_int(&k, s->guidance);
    take_key_int(&k, s->carry);
    if (s->speed != DIT_EXACT)
        take_key_int(&k, s->speed);
    if (is_of_pictures(run, &w)) /* how much of a window is shown is the take's length's doing */
        take_key_text(&k, "pictures");
    if (begins_with_frames(run, c)) {
        lt_hash vae;
        LT_TRY(take_engine_hash(run->engine, TAKE_NET_VAE, &vae, err));
        take_key_hash(&k, vae);
    }
    *key = take_key_end(&k);
    return LT_OK;
}

/* Decodes a segment's codes and upsamples them, unless that was done for a window before. */
static lt_status segment_control(take_refiner *r, int64_t segment, const float **control,
                                 lt_error *err)
{
    take_run *run = r->run;
    const cfg_model *cfg = &run->engine->cfg;
    take_segment_control *slot = &r->kept[segment % r->kept_count];
    *control = slot->control;
    if (slot->segment == segment)
        return LT_OK;
    const int frames = run->plan.segment[segment].frames;
    const int64_t cells = take_feature_values(&cfg->tokenizer);
    const int full = cfg->ar_model.segment_frames;
    if (!slot->control) {
        slot->control = malloc((size_t)(full * r->values) * sizeof *slot->control);
        slot->features = malloc((size_t)(full * cells) * sizeof *slot->features);
        if (!slot->control || !slot->features)
            return lt_fail(err, LT_ERR_RESOURCES, "refine: out of memory for a segment's features");
    }
    int32_t *codes = malloc((size_t)run->plan.segment[segment].ids * sizeof *codes);
    if (!codes)
        return lt_fail(err, LT_ERR_RESOURCES, "refine: out of memory");
    take_plan_codes(run, segment, codes);
    lt_status s = tok_decode(r->semantics, codes, frames, slot->features, err);
    free(codes);
    if (s == LT_OK)
        s = dit_control_latent(r->network, slot->features, frames, slot->control, err);
    slot->segment = s == LT_OK ? segment : -1;
    *control = slot->control;
    return s;
}

/* The control latent of semantic frame g. A picture comes from the one before it, and behind the
 * plan's end it stays; a model that knows pictures has a frame to a segment. */
static lt_status frame_control(take_refiner *r, int64_t g, float *out, lt_error *err)
{
    const take_run *run = r->run;
    const float *control = NULL;
    const float *before = NULL;
    int frame = 0;
    const int64_t segment = take_plan_at(&run->plan, g, &frame);
    LT_TRY(segment_control(r, segment, &control, err));
    memcpy(out, control + frame * r->values, (size_t)r->values * sizeof *out);
    if (g >= run->plan.frames || segment == 0 || !take_plan_is_picture(run, segment) ||
        !take_plan_is_picture(run, segment - 1))
        return LT_OK;
    LT_TRY(segment_control(r, segment - 1, &before, err));
    tok_picture_move(&r->motion, before, r->values / r->motion.channels, out);
    return LT_OK;
}

/* Control latents of the window's semantic frames. */
static lt_status window_control(take_refiner *r, const take_window *w, lt_error *err)
{
    for (int i = 0; i < w->latents; i++)
        LT_TRY(frame_control(r, w->first_latent + i, r->control + i * r->values, err));
    return LT_OK;
}

/* Steps from one preview of a window to the next. */
static int preview_distance(int steps)
{
    return steps < 2 * PREVIEWS ? 2 : 1 + (steps - 1) / PREVIEWS;
}

typedef struct {
    take_refiner *refiner;
    int64_t window;
    int frames;
    lt_status status;
    lt_error error; /* of a preview */
} step_listener;

static int on_step(void *user, int step, int steps, const float *x0)
{
    (void)steps;
    step_listener *l = user;
    take_run *run = l->refiner->run;
    if (x0)
        l->status = take_preview_show(&l->refiner->preview, l->window, x0, l->frames, &l->error);
    if (l->status == LT_OK)
        l->status = take_clock_step(&run->clock, step, 1, NULL);
    return l->status != LT_OK;
}

static lt_status refine(take_refiner *r, int layer, int64_t c, const take_window *w,
                        const float *known, float *latents, lt_error *err)
{
    take_run *run = r->run;
    const take_spec *s = &run->spec;
    const int shot = take_shot_of_window(s, c);
    static const dit_scale_kind scales[] = {[CFG_SCHEDULE_OFFICIAL] = DIT_SCALE_OFFICIAL,
                                            [CFG_SCHEDULE_RAMP] = DIT_SCALE_RAMP,
                                            [CFG_SCHEDULE_CONSTANT] = DIT_SCALE_CONSTANT};
    step_listener listener = {.refiner = r, .window = c, .frames = w->latents};
    dit_request q;
    dit_request_init(&q);
    q.frames = w->latents;
    q.control = r->control;
    q.text = run->text[TAKE_FOR_MMDIT][shot].rows;
    q.known = known;
    q.known_frames = w->known;
    q.carry = s->carry;
    q.anchor = c > 0 ? run->engine->cfg.mmdit.carry_anchor : 0; /* a reference is what it is */
    q.steps = s->steps;
    q.speed = s->speed;
    q.scale = s->shot[shot].cfg_scale;
    q.scale_kind = scales[s->schedule];
    q.guidance = s->guidance == CFG_GUIDANCE_APG ? DIT_GUIDANCE_APG : DIT_GUIDANCE_CFG;
    q.seed = take_layer_seed(s, layer, c);
    q.window = (uint32_t)c;
    q.progress = on_step;
    q.user = &listener;
    q.preview_every = run->request->preview ? preview_distance(take_steps_run(s)) : 0;
    const lt_status status = dit_refine(r->network, &q, latents, err);
    if (listener.error.code != LT_OK) /* the sampler knows only that it was stopped */
        *err = listener.error;
    return listener.error.code != LT_OK ? listener.error.code : status;
}

/* Of pictures no more is known than their codes say: refined, they are covered with textures of the
 * model's world. */
static lt_status show_pictures(take_refiner *r, int64_t c, const take_window *w, const float *known,
                               float *latents, lt_error *err)
{
    const int steps = take_steps_run(&r->run->spec);
    const size_t known_values = (size_t)(w->known * r->values);
    if (known_values > 0)
        memcpy(latents, known, known_values * sizeof *latents);
    memcpy(latents + known_values, r->control + known_values,
           ((size_t)(w->latents * r->values) - known_values) * sizeof *latents);
    if (r->run->request->preview)
        LT_TRY(take_preview_show(&r->preview, c, latents, w->latents, err));
    take_clock_found(&r->run->clock, TAKE_REFINE, steps); /* they tell nothing of the speed */
    return take_clock_step(&r->run->clock, steps, 0, err);
}

bool take_refine_has(const take_refiner *r, int64_t c, lt_hash key)
{
    return take_job_has(r->run->job, (take_product){"latents", c, key});
}

lt_status take_refine_window(take_refiner *r, int layer, int64_t c, lt_hash key, const float *known,
                             float *latents, lt_error *err)
{
    take_run *run = r->run;
    const take_window w = take_window_at(&run->spec.time, c);
    const take_product product = {"latents", c, key};
    const size_t bytes = (size_t)(w.latents * r->values) * sizeof *latents;
    bool found = false;
    int lock = -1;
    LT_TRY(take_job_lock(run->job, product, &lock, err));
    lt_status s = take_job_read(run->job, product, latents, bytes, &found, err);
    if (s == LT_OK && found) {
        take_clock_found(&run->clock, TAKE_REFINE, take_steps_run(&run->spec));
    } else if (s == LT_OK) {
        take_clock_enter(&run->clock, TAKE_REFINE, c, run->spec.time.windows,
                         take_steps_run(&run->spec));
        s = open_networks(r, err);
        /* else every window opens them: that is part of its cost */
        if (run->memory.networks != TAKE_NETWORKS_IN_TURNS)
            take_clock_opened(&run->clock);
        if (s == LT_OK)
            s = window_control(r, &w, err);
        if (s == LT_OK)
            s = is_of_pictures(run, &w) ? show_pictures(r, c, &w, known, latents, err)
                                        : refine(r, layer, c, &w, known, latents, err);
        if (s == LT_OK)
            s = take_job_put(run->job, product, latents, bytes, err);
        take_clock_leave(&run->clock);
    }
    take_job_unlock(lock);
    return s;
}
