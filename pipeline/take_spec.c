/* take_spec.c - request + model configuration -> every number of a take; see take_spec.h. */
#include "pipeline/take_spec.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>

#include "pipeline/engine.h"
#include "pipeline/script/take_shots.h"
#include "pipeline/take_settings.h"
#include "tokenizer/token_plan.h"

enum { DEFAULT_SEED = 42 };

enum { MAX_FRAMES = 8 * 3600 * 24 }; /* a day at 8 fps: beyond it only a typing error */
static_assert(MAX_FRAMES <= TOK_VIDEO_FRAMES * (TOK_MAX_FRAMES - 1) + 1, "a plan holds a day");

int take_steps_run(const take_spec *s)
{
    return dit_speed_steps(s->speed, s->steps);
}

const char *take_codes_name(take_codes codes)
{
    return take_setting_word("codes", (int)codes);
}

double take_given(double value, double otherwise)
{
    return value < 0 ? otherwise : value;
}

lt_status take_fit_check(longtake_fit fit, lt_error *err)
{
    const int value = (int)fit;
    if (value >= LONGTAKE_FIT_COVER && value <= LONGTAKE_FIT_STRETCH)
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "--fit: found %d, expected %d to %d", value,
                   LONGTAKE_FIT_COVER, LONGTAKE_FIT_STRETCH);
}

/* A name that is there is a name, not what a shell makes of a variable that is not set. */
static lt_status check_names(const longtake_request *r, lt_error *err)
{
    const struct {
        const char *flag, *name, *expected;
    } names[] = {{"--output", r->output, "a file (or - for standard output)"},
                 {"--job", r->job, "a folder"},
                 {"--preview", r->preview, "a file or folder"},
                 {"--image", r->image, "a picture"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].name && names[i].name[0] == '\0')
            return lt_fail(err, LT_ERR_USAGE, "%s: found an empty name, expected %s", names[i].flag,
                           names[i].expected);
    return LT_OK;
}

lt_status take_request_check(const longtake_request *r, lt_error *err)
{
    LT_TRY(take_need(r, "request", err));
    LT_TRY(check_names(r, err));
    if (r->shot_count > 0)
        LT_TRY(take_need(r->shots, "shots", err));
    if (r->retake_count > 0)
        LT_TRY(take_need(r->retakes, "retakes", err));
    if (isnan(r->from_seconds))
        return lt_fail(err, LT_ERR_USAGE, "--from: found %g, expected seconds", r->from_seconds);
    if (isnan(r->max_seam))
        return lt_fail(err, LT_ERR_USAGE, "--max-seam: found %g, expected a number", r->max_seam);
    return take_fit_check(r->settings.fit, err);
}

static lt_status resolve_seed(int64_t asked, take_spec *s, lt_error *err)
{
    if (asked == LONGTAKE_SEED_UNSET)
        asked = DEFAULT_SEED;
    if (asked > (int64_t)UINT32_MAX || asked < -1)
        return lt_fail(err, LT_ERR_USAGE,
                       "--seed: found %lld, expected 0 to 4294967295, or -1 to draw one",
                       (long long)asked);
    s->seed = (uint32_t)asked;
    s->seed_was_drawn = asked == -1;
    if (s->seed_was_drawn && getrandom(&s->seed, sizeof s->seed, 0) != (ssize_t)sizeof s->seed)
        return lt_fail(err, LT_ERR_FAILED, "--seed -1: the system gave no random number");
    return LT_OK;
}

lt_status take_spec_length(const longtake_settings *g, const cfg_model *cfg, int needs,
                           int64_t otherwise, int64_t *frames, lt_error *err)
{
    const int given_count =
        (g->seconds >= 0 || isnan(g->seconds)) + (g->frames >= 0) + (g->semantic_frames >= 0);
    if (given_count > 1)
        return lt_fail(err, LT_ERR_USAGE,
                       "--seconds, --frames and --num-frames: found %d of them, expected one",
                       given_count);
    if (given_count == 0) {
        if (needs & TAKE_NEEDS_LENGTH && otherwise <= 0)
            otherwise = take_frames_of_latents(cfg->mmdit.latent_frames);
        *frames = otherwise > 0 ? otherwise : 1;
        return LT_OK;
    }
    if (g->frames >= 0)
        *frames = g->frames;
    else if (g->semantic_frames >= 0)
        *frames = g->semantic_frames > MAX_FRAMES ? MAX_FRAMES + 1
                  : g->semantic_frames < 1        ? 0
                                                  : take_frames_of_latents(g->semantic_frames);
    else
        *frames = isfinite(g->seconds) ? llround(fmin(g->seconds * cfg->pipeline.fps, 1e15)) : 0;
    if (*frames < 1 || *frames > MAX_FRAMES)
        return lt_fail(err, LT_ERR_USAGE, "%s: found a length of %lld frames, expected 1 to %lld",
                       g->frames >= 0            ? "--frames"
                       : g->semantic_frames >= 0 ? "--num-frames"
                                                 : "--seconds",
                       (long long)*frames, (long long)MAX_FRAMES);
    return LT_OK;
}

static lt_status resolve_sampling(const longtake_settings *g, const cfg_model *cfg, take_spec *s,
                                  lt_error *err)
{
    const cfg_pipeline *p = &cfg->pipeline;
    s->lm_cfg = take_given(g->lm_cfg, p->lm_cfg);
    s->shot_cfg = take_given(g->shot_cfg, p->shot_cfg);
    s->temperature = take_given(g->temperature, p->temperature);
    s->top_k = g->top_k < 0 ? (g->top_p > 0 ? 0 : p->top_k) : g->top_k;
    s->top_p = g->top_p < 0 ? (g->top_k > 0 ? 0 : p->top_p) : g->top_p;
    s->lm_context = g->lm_context < 0 ? p->lm_context : g->lm_context;
    s->motion = take_given(g->motion, p->motion);
    LT_TRY(take_setting_check(NULL, "motion", s->motion, err));
    LT_TRY(take_setting_check(NULL, "lm_cfg", s->lm_cfg, err));
    LT_TRY(take_setting_check(NULL, "shot_cfg", s->shot_cfg, err));
    LT_TRY(take_setting_check(NULL, "temperature", s->temperature, err));
    LT_TRY(take_setting_check(NULL, "top_p", s->top_p, err));
    if (s->top_k > cfg->ar_model.vocab_size)
        return lt_fail(err, LT_ERR_USAGE, "--top-k: found %d, expected 0 to %d", s->top_k,
                       cfg->ar_model.vocab_size);
    if (s->top_k > 0 && s->top_p > 0)
        return lt_fail(err, LT_ERR_USAGE, "--top-k and --top-p: found both, expected one");
    return take_setting_check(NULL, "lm_context", s->lm_context, err);
}

static lt_status resolve_refinement(const longtake_settings *g, const cfg_model *cfg, take_spec *s,
                                    lt_error *err)
{
    const cfg_pipeline *p = &cfg->pipeline;
    int schedule = (int)p->schedule;
    int guidance = (int)p->guidance;
    int carry = (int)cfg->mmdit.carry;
    int speed = DIT_EXACT;
    LT_TRY(take_setting_choose("cfg_schedule", g->cfg_schedule, &schedule, err));
    LT_TRY(take_setting_choose("guidance", g->guidance, &guidance, err));
    LT_TRY(take_setting_choose("carry", g->carry, &carry, err));
    LT_TRY(take_setting_choose("speed", g->speed, &speed, err));
    s->schedule = (cfg_schedule)schedule;
    s->guidance = (cfg_guidance)guidance;
    s->carry = (cfg_carry)carry;
    s->speed = (dit_speed)speed;
    s->cfg_scale = take_given(g->cfg_scale, p->cfg_scale);
    LT_TRY(take_setting_check(NULL, "cfg_scale", s->cfg_scale, err));
    s->steps = g->steps < 0 ? cfg->mmdit.steps : g->steps;
    LT_TRY(take_setting_check(NULL, "steps", s->steps, err));
    s->listed_timesteps = cfg->mmdit.timestep_count > 0 && s->steps == cfg->mmdit.timestep_count;
    return LT_OK;
}

static lt_status resolve_picture(const longtake_settings *g, const cfg_model *cfg, take_spec *s,
                                 lt_error *err)
{
    const cfg_pipeline *p = &cfg->pipeline;
    s->fps = take_given(g->fps, p->fps);
    LT_TRY(take_setting_check(NULL, "fps", s->fps, err));
    s->model_fps = p->fps;
    s->width = p->width;
    s->height = p->height;
    if ((g->width >= 0 && g->width != s->width) || (g->height >= 0 && g->height != s->height))
        return lt_fail(
            err, LT_ERR_USAGE,
            "--width and --height: found %dx%d, expected %dx%d, the size this model makes"
            "\nhint: --scale N enlarges the output",
            g->width < 0 ? s->width : g->width, g->height < 0 ? s->height : g->height, s->width,
            s->height);
    s->scale = g->scale < 0 ? 1 : g->scale;
    LT_TRY(take_setting_check(NULL, "scale", s->scale, err));
    s->fit = g->fit;
    int codes = TAKE_CODES_FITTING;
    LT_TRY(take_setting_choose("codes", g->codes, &codes, err));
    s->codes = (take_codes)codes;
    if (s->codes == TAKE_CODES_PICTURE && cfg->tokenizer.picture_codes == 0)
        return lt_fail(
            err, LT_ERR_USAGE,
            "--codes: found \"picture\", expected auto or scene: this model has no codes for pictures");
    return LT_OK;
}

lt_status take_spec_retakes(const longtake_request *r, take_spec *s, lt_error *err)
{
    if (r->retake_count > TAKE_MAX_RETAKES)
        return lt_fail(err, LT_ERR_USAGE,
                       "--retake: found %zu retakes over each other, expected at most %d",
                       r->retake_count, TAKE_MAX_RETAKES);
    for (size_t i = 0; i < r->retake_count; i++) {
        const longtake_retake *from = &r->retakes[i];
        char windows[TAKE_WINDOWS_BYTES];
        if (from->first < 0 || from->last < from->first || from->last >= s->time.windows)
            return lt_fail(err, LT_ERR_USAGE, "--retake: found %s, the take has %lld, from 0",
                           take_windows_named(from->first, from->last, windows),
                           (long long)s->time.windows);
        if (from->seed < 0 || from->seed > (int64_t)UINT32_MAX)
            return lt_fail(err, LT_ERR_USAGE, "--retake-seed: found %lld, expected 0 to 4294967295",
                           (long long)from->seed);
        s->retake[s->retakes++] = (take_retake){.first = from->first,
                                                .last = from->last,
                                                .seed = (uint32_t)from->seed,
                                                .keep_rest = from->keep_rest != 0};
    }
    return LT_OK;
}

lt_status take_spec_resolve(const longtake_request *r, const cfg_model *cfg,
                            const take_wording *words, int needs, int64_t frames, take_spec *out,
                            lt_error *err)
{
    *out = (take_spec){0};
    const longtake_settings *g = &r->settings;
    int64_t length = 0;
    lt_status s = resolve_seed(g->seed, out, err);
    if (s == LT_OK)
        s = take_spec_length(g, cfg, needs, frames, &length, err);
    const int window = cfg->mmdit.latent_frames;
    const int overlap = g->overlap < 0 ? cfg->pipeline.overlap : g->overlap;
    if (s == LT_OK && (overlap < 1 || overlap > window - 2 || overlap % 2 == 0))
        s = lt_fail(err, LT_ERR_USAGE, "--overlap: found %d, expected an odd number from 1 to %d",
                    overlap, window - 2);
    if (s == LT_OK)
        out->time = take_timeline_of(length, window, overlap, cfg->ar_model.segment_frames);
    if (s == LT_OK)
        s = resolve_sampling(g, cfg, out, err);
    if (s == LT_OK)
        s = resolve_refinement(g, cfg, out, err);
    if (s == LT_OK)
        s = resolve_picture(g, cfg, out, err);
    if (s == LT_OK)
        s = take_shots_resolve(r, cfg, words, needs, out, err);
    if (s != LT_OK)
        take_spec_clear(out);
    return s;
}

void take_spec_clear(take_spec *s)
{
    take_shots_clear(s);
    *s = (take_spec){0};
}

static lt_json *retakes_json(const take_spec *s)
{
    lt_json *list = lt_json_new_array();
    for (int i = 0; i < s->retakes; i++) {
        lt_json *retake = lt_json_new_object();
        lt_json_set(retake, "first", lt_json_new_int(s->retake[i].first));
        lt_json_set(retake, "last", lt_json_new_int(s->retake[i].last));
        lt_json_set(retake, "seed", lt_json_new_int(s->retake[i].seed));
        lt_json_set(retake, "keep_rest", lt_json_new_bool(s->retake[i].keep_rest));
        lt_json_append(list, retake);
    }
    return list;
}

/* What is the take's own is left out. */
static lt_json *shot_json(const take_spec *s, int i)
{
    const take_shot *shot = &s->shot[i];
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "at_frame", lt_json_new_int(shot->at_frame));
    lt_json_set(o, "prompt", lt_json_new_string(shot->prompt));
    if (shot->seed != s->seed)
        lt_json_set(o, "seed", lt_json_new_int(shot->seed));
    if (shot->motion != s->motion)
        lt_json_set(o, "motion", lt_json_new_real(shot->motion));
    if (shot->lm_cfg != s->lm_cfg)
        lt_json_set(o, "lm_cfg", lt_json_new_real(shot->lm_cfg));
    if (i > 0 && shot->shot_cfg != s->shot_cfg)
        lt_json_set(o, "shot_cfg", lt_json_new_real(shot->shot_cfg));
    if (shot->cfg_scale != s->cfg_scale)
        lt_json_set(o, "cfg_scale", lt_json_new_real(shot->cfg_scale));
    return o;
}

static lt_json *word_json(const char *key, int index)
{
    return lt_json_new_string(take_setting_word(key, index));
}

lt_json *take_spec_json(const take_spec *s)
{
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "seed", lt_json_new_int(s->seed));
    lt_json_set(o, "frames", lt_json_new_int(s->time.frames));
    lt_json_set(o, "fps", lt_json_new_real(s->fps));
    if (s->fps != s->model_fps) /* by which the frames are read again: see take_about_rate */
        lt_json_set(o, "model_fps", lt_json_new_real(s->model_fps));
    lt_json *shots = lt_json_new_array();
    for (int i = 0; i < s->shots; i++)
        lt_json_append(shots, shot_json(s, i));
    lt_json_set(o, "shots", shots);
    if (s->retakes > 0)
        lt_json_set(o, "retakes", retakes_json(s));
    lt_json_set(o, "lm_cfg", lt_json_new_real(s->lm_cfg));
    if (s->shots > 1)
        lt_json_set(o, "shot_cfg", lt_json_new_real(s->shot_cfg));
    lt_json_set(o, "motion", lt_json_new_real(s->motion));
    lt_json_set(o, "cfg_scale", lt_json_new_real(s->cfg_scale));
    lt_json_set(o, "temperature", lt_json_new_real(s->temperature));
    lt_json_set(o, "top_k", lt_json_new_int(s->top_k));
    lt_json_set(o, "top_p", lt_json_new_real(s->top_p));
    lt_json_set(o, "lm_context", lt_json_new_int(s->lm_context));
    lt_json_set(o, "steps", lt_json_new_int(s->steps));
    lt_json_set(o, "timesteps", lt_json_new_string(s->listed_timesteps ? "model" : "release"));
    lt_json_set(o, "cfg_schedule", word_json("cfg_schedule", (int)s->schedule));
    lt_json_set(o, "guidance", word_json("guidance", (int)s->guidance));
    lt_json_set(o, "carry", word_json("carry", (int)s->carry));
    if (s->speed != DIT_EXACT)
        lt_json_set(o, "speed", word_json("speed", (int)s->speed));
    lt_json_set(o, "overlap", lt_json_new_int(s->time.overlap));
    lt_json_set(o, "scale", lt_json_new_int(s->scale));
    return o;
}
