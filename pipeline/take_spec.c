/* take_spec.c - request + model configuration -> every number of a take; see take_spec.h. */
#include "pipeline/take_spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "pipeline/engine.h"
#include "pipeline/script/prompt_events.h"
#include "text_encoder/utf8_text.h"
#include "tokenizer/token_plan.h"

enum { DEFAULT_SEED = 42, MAX_SCALE = 8 };

static const int64_t max_frames = 8 * 3600 * 24; /* a day at 8 fps: beyond it only a typing error */

static const char *const carry_names[] = {"latents", "frames", "renoise"};
static const char *const schedule_names[] = {"official", "ramp", "constant"};
static const char *const guidance_names[] = {"cfg", "apg"};

static const char *const speed_names[] = {"exact", "fast", "faster"};
static const char *const codes_names[] = {"auto", "scene", "picture"};

int take_steps_run(const take_spec *s)
{
    return dit_speed_steps(s->speed, s->steps);
}

const char *take_speed_name(dit_speed speed)
{
    return speed_names[speed];
}

const char *take_codes_name(take_codes codes)
{
    return codes_names[codes];
}

const char *take_carry_name(cfg_carry c)
{
    return carry_names[c];
}

const char *take_schedule_name(cfg_schedule s)
{
    return schedule_names[s];
}

const char *take_guidance_name(cfg_guidance g)
{
    return guidance_names[g];
}

/* A word of a setting -> its place in `names`, or -1. */
static int word_at(const char *word, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(word, names[i]) == 0)
            return i;
    return -1;
}

/* Unset (below zero or NaN-free negative) takes the model's value. */
static double given(double value, double otherwise)
{
    return value < 0 ? otherwise : value;
}

static lt_status finite_within(const char *place, double v, double low, double high, lt_error *err)
{
    if (isfinite(v) && v >= low && v <= high)
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "%s: found %g, expected %g to %g", place, v, low, high);
}

static lt_status choose_word(const char *flag, const char *word, const char *const *names,
                             int count, int *out, lt_error *err)
{
    if (!word)
        return LT_OK;
    const int at = word_at(word, names, count);
    if (at < 0)
        return lt_fail(err, LT_ERR_USAGE, "--%s: found \"%s\", expected %s, %s%s%s", flag, word,
                       names[0], names[1], count > 2 ? " or " : "", count > 2 ? names[2] : "");
    *out = at;
    return LT_OK;
}

lt_status take_fit_check(longtake_fit fit, lt_error *err)
{
    const int value = (int)fit;
    if (value >= LONGTAKE_FIT_COVER && value <= LONGTAKE_FIT_STRETCH)
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "--fit: found %d, expected %d to %d", value,
                   LONGTAKE_FIT_COVER, LONGTAKE_FIT_STRETCH);
}

lt_status take_request_check(const longtake_request *r, lt_error *err)
{
    LT_TRY(take_need(r, "request", err));
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
        *frames = g->semantic_frames > max_frames ? max_frames + 1
                  : g->semantic_frames < 1        ? 0
                                                  : take_frames_of_latents(g->semantic_frames);
    else
        *frames = isfinite(g->seconds) ? llround(fmin(g->seconds * cfg->pipeline.fps, 1e15)) : 0;
    const int64_t planned =
        take_frames_of_latents((int64_t)TOK_MAX_SEGMENTS * cfg->ar_model.segment_frames);
    const int64_t most = planned < max_frames ? planned : max_frames;
    if (*frames < 1 || *frames > most)
        return lt_fail(err, LT_ERR_USAGE, "%s: found a length of %lld frames, expected 1 to %lld",
                       g->frames >= 0            ? "--frames"
                       : g->semantic_frames >= 0 ? "--num-frames"
                                                 : "--seconds",
                       (long long)*frames, (long long)most);
    return LT_OK;
}

static lt_status resolve_sampling(const longtake_settings *g, const cfg_model *cfg, take_spec *s,
                                  lt_error *err)
{
    const cfg_pipeline *p = &cfg->pipeline;
    s->lm_cfg = given(g->lm_cfg, p->lm_cfg);
    s->shot_cfg = given(g->shot_cfg, p->shot_cfg);
    s->temperature = given(g->temperature, p->temperature);
    s->top_k = g->top_k < 0 ? (g->top_p > 0 ? 0 : p->top_k) : g->top_k;
    s->top_p = g->top_p < 0 ? (g->top_k > 0 ? 0 : p->top_p) : g->top_p;
    s->lm_context = g->lm_context < 0 ? p->lm_context : g->lm_context;
    s->motion = given(g->motion, p->motion);
    LT_TRY(finite_within("--motion", s->motion, 0, 10, err));
    LT_TRY(finite_within("--lm-cfg", s->lm_cfg, 0, 100, err));
    LT_TRY(finite_within("--shot-cfg", s->shot_cfg, 0, 100, err));
    LT_TRY(finite_within("--temperature", s->temperature, 1e-3, 100, err));
    LT_TRY(finite_within("--top-p", s->top_p, 0, 1, err));
    if (s->top_k > cfg->ar_model.vocab_size)
        return lt_fail(err, LT_ERR_USAGE, "--top-k: found %d, expected 0 to %d", s->top_k,
                       cfg->ar_model.vocab_size);
    if (s->top_k > 0 && s->top_p > 0)
        return lt_fail(err, LT_ERR_USAGE, "--top-k and --top-p: found both, expected one");
    if (s->lm_context > 64)
        return lt_fail(err, LT_ERR_USAGE, "--lm-context: found %d, expected 0 to 64",
                       s->lm_context);
    return LT_OK;
}

static lt_status resolve_refinement(const longtake_settings *g, const cfg_model *cfg, take_spec *s,
                                    lt_error *err)
{
    const cfg_pipeline *p = &cfg->pipeline;
    int schedule = (int)p->schedule;
    int guidance = (int)p->guidance;
    int carry = (int)cfg->mmdit.carry;
    int speed = DIT_EXACT;
    LT_TRY(choose_word("cfg-schedule", g->cfg_schedule, schedule_names, 3, &schedule, err));
    LT_TRY(choose_word("guidance", g->guidance, guidance_names, 2, &guidance, err));
    LT_TRY(choose_word("carry", g->carry, carry_names, 3, &carry, err));
    LT_TRY(choose_word("speed", g->speed, speed_names, 3, &speed, err));
    s->schedule = (cfg_schedule)schedule;
    s->guidance = (cfg_guidance)guidance;
    s->carry = (cfg_carry)carry;
    s->speed = (dit_speed)speed;
    s->cfg_scale = given(g->cfg_scale, p->cfg_scale);
    LT_TRY(finite_within("--cfg-scale", s->cfg_scale, 0, 100, err));
    s->steps = g->steps < 0 ? cfg->mmdit.steps : g->steps;
    if (s->steps < 1 || s->steps >= CFG_MAX_STEPS)
        return lt_fail(err, LT_ERR_USAGE, "--steps: found %d, expected 1 to %d", s->steps,
                       CFG_MAX_STEPS - 1);
    s->listed_timesteps = cfg->mmdit.timestep_count > 0 && s->steps == cfg->mmdit.timestep_count;
    return LT_OK;
}

static lt_status resolve_picture(const longtake_settings *g, const cfg_model *cfg, take_spec *s,
                                 lt_error *err)
{
    const cfg_pipeline *p = &cfg->pipeline;
    s->fps = given(g->fps, p->fps);
    LT_TRY(finite_within("--fps", s->fps, 0.1, 240, err));
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
    if (s->scale < 1 || s->scale > MAX_SCALE)
        return lt_fail(err, LT_ERR_USAGE, "--scale: found %d, expected 1 to %d", s->scale,
                       MAX_SCALE);
    s->fit = g->fit;
    int codes = TAKE_CODES_FITTING;
    LT_TRY(choose_word("codes", g->codes, codes_names, 3, &codes, err));
    s->codes = (take_codes)codes;
    if (s->codes == TAKE_CODES_PICTURE && cfg->tokenizer.picture_codes == 0)
        return lt_fail(
            err, LT_ERR_USAGE,
            "--codes: found \"picture\", expected auto or scene: this model has no codes for pictures");
    return LT_OK;
}

/* Words in UTF-8: metadata and both networks rest on it. */
static lt_status check_prompt(const char *prompt, const char *place, lt_error *err)
{
    const size_t bytes = strlen(prompt);
    bool has_words = false;
    for (size_t at = 0; at < bytes;) {
        uint32_t code = 0;
        const size_t length = text_utf8_char(prompt + at, bytes - at, &code);
        if (length == 0)
            return lt_fail(err, LT_ERR_USAGE, "%s: byte %zu (0x%02x) is not UTF-8", place, at,
                           (unsigned)(unsigned char)prompt[at]);
        has_words = has_words || !text_is_space(code);
        at += length;
    }
    return has_words ? LT_OK
                     : lt_fail(err, LT_ERR_USAGE, "%s: found no words, expected a text", place);
}

double take_opening_lm_cfg(const take_spec *s)
{
    for (int i = 0; i < s->shots; i++)
        if (s->shot[i].lm_cfg != 0 && s->shot[i].lm_cfg != 1)
            return s->shot[i].lm_cfg;
    return s->lm_cfg;
}

bool take_leans(const take_spec *s)
{
    for (int i = 1; i < s->shots; i++)
        if (s->shot[i].shot_cfg > 0)
            return true;
    return false;
}

/* *out: the prompt in the model's words, or NULL where it is in them; free() it.
 * What was changed is told once. */
static lt_status reword(take_spec *s, const take_wording *words, const char *prompt, char **out,
                        lt_error *err)
{
    char told[sizeof s->reworded];
    LT_TRY(take_prompt_reworded(words, prompt, out, told, sizeof told, err));
    const size_t used = strlen(s->reworded);
    if (told[0] != '\0' && !strstr(s->reworded, told))
        snprintf(s->reworded + used, sizeof s->reworded - used, "%s%s", used > 0 ? ", " : "", told);
    return LT_OK;
}

/* What a shot leaves to the take. */
static longtake_shot filled(const take_spec *s, const longtake_shot *shot)
{
    longtake_shot f = *shot;
    f.motion = given(f.motion, s->motion);
    f.seed = f.seed < 0 ? s->seed : f.seed;
    f.lm_cfg = given(f.lm_cfg, s->lm_cfg);
    f.shot_cfg = given(f.shot_cfg, s->shot_cfg);
    f.cfg_scale = given(f.cfg_scale, s->cfg_scale);
    return f;
}

static lt_status shot_within(size_t index, const char *name, double v, double high, lt_error *err)
{
    char place[48];
    snprintf(place, sizeof place, "shot %zu: %s", index, name);
    return finite_within(place, v, 0, high, err);
}

/* `index`: of a filled shot, for messages; what the take left to it is known to be in range. */
static lt_status check_settings(const longtake_shot *shot, size_t index, lt_error *err)
{
    if (!(shot->plan_from_seconds >= 0 && shot->plan_seconds >= 0))
        return lt_fail(err, LT_ERR_USAGE,
                       "shot %zu: plan: found %g s from %g s on, expected a span", index,
                       shot->plan_seconds, shot->plan_from_seconds);
    LT_TRY(shot_within(index, "motion", shot->motion, 10, err));
    LT_TRY(shot_within(index, "lm_cfg", shot->lm_cfg, 100, err));
    LT_TRY(shot_within(index, "shot_cfg", shot->shot_cfg, 100, err));
    LT_TRY(shot_within(index, "cfg_scale", shot->cfg_scale, 100, err));
    if (shot->seed > (int64_t)UINT32_MAX)
        return lt_fail(err, LT_ERR_USAGE, "shot %zu: seed: found %lld, expected 0 to 4294967295",
                       index, (long long)shot->seed);
    return LT_OK;
}

/* `from`: filled and checked; its prompt in the model's words, or NULL. `is_event`: of what the
 * shot before tells. */
static lt_status add_shot(take_spec *s, const longtake_shot *from, bool is_event, lt_error *err)
{
    take_shot *longer = realloc(s->shot, (size_t)(s->shots + 1) * sizeof *longer);
    if (!longer)
        return lt_fail(err, LT_ERR_RESOURCES, "prompts: out of memory");
    s->shot = longer;
    take_shot *shot = &s->shot[s->shots++];
    *shot = (take_shot){.at_frame = from->at_frame,
                        .is_event = is_event,
                        .as_one_text = from->as_one_text != 0,
                        .prompt = strdup(from->prompt ? from->prompt : ""),
                        .motion = from->motion,
                        .seed = (uint32_t)from->seed,
                        .lm_cfg = from->lm_cfg,
                        .shot_cfg = from->shot_cfg,
                        .cfg_scale = from->cfg_scale,
                        .plan = from->plan && !is_event ? strdup(from->plan) : NULL,
                        .plan_from_seconds = from->plan_from_seconds,
                        .plan_seconds = from->plan_seconds};
    if (!shot->prompt || (from->plan && !is_event && !shot->plan))
        return lt_fail(err, LT_ERR_RESOURCES, "prompts: out of memory");
    return LT_OK;
}

/* A shot whose prompt tells events. */
typedef struct {
    const longtake_shot *shot;   /* filled, its prompt in the model's words */
    int64_t frames;              /* of the shot */
    double fps;                  /* of the model, whatever the file's */
    size_t end[TAKE_MAX_EVENTS]; /* of what is told before each event */
    int events;
    const take_wording *words;
} told_events;

/* Frames of each state that an event goes through: all of them together last at most half as long
 * as the time between events. 0: none is long enough for the language model. */
static int64_t frames_between(const take_spec *s, const told_events *p,
                              const take_prompt_state *said)
{
    if (said->between == 0)
        return 0;
    const double most = (double)p->frames / (p->events + 1) / 2 / said->between;
    const int64_t frames = llround(fmin(said->between_seconds * p->fps, most));
    return frames >= s->time.segment * TAKE_FRAMES_PER_LATENT ? frames : 0;
}

static lt_status said_at(const told_events *p, int begun, int left, take_prompt_state *out,
                         lt_error *err)
{
    return take_prompt_begun(p->words, p->shot->prompt, p->end, p->events, begun, left, out, err);
}

/* The states that event `begun` goes through, and what it comes to; `said`: that. */
static lt_status add_begun(take_spec *s, const told_events *p, int begun,
                           const take_prompt_state *said, bool leans, lt_error *err)
{
    const int64_t each = frames_between(s, p, said);
    const int between = each > 0 ? said->between : 0;
    longtake_shot shot = *p->shot;
    shot.shot_cfg = leans ? shot.shot_cfg : 0;
    shot.at_frame += p->frames * begun / (p->events + 1) - each * between / 2;
    lt_status status = LT_OK;
    for (int left = between; left > 0 && status == LT_OK; left--, shot.at_frame += each) {
        take_prompt_state way;
        LT_TRY(said_at(p, begun, left, &way, err));
        shot.prompt = way.text;
        status = add_shot(s, &shot, begun > 0, err);
        free(way.text);
    }
    LT_TRY(status);
    shot.prompt = said->text;
    return add_shot(s, &shot, begun > 0, err);
}

/* A shot for what stands before the first event and one more for each, evenly over the span. An
 * event that the words know is so from then on, and leant to as in a film (so is the first shot,
 * where another or a reference goes before it); one that is told is to come out of what is in
 * sight. What goes through other states is half way when it is due. */
static lt_status add_events(take_spec *s, const told_events *p, lt_error *err)
{
    int changed = 0; /* of the events so far */
    for (int i = 0; i <= p->events; i++) {
        take_prompt_state said;
        LT_TRY(said_at(p, i, 0, &said, err));
        const lt_status status = add_begun(s, p, i, &said, i == 0 || said.restated > changed, err);
        changed = said.restated;
        free(said.text);
        LT_TRY(status);
    }
    return LT_OK;
}

/* A filled shot of `frames` frames, in the model's words; where it tells events and the model
 * spreads them, as several. */
static lt_status add_told(take_spec *s, const longtake_shot *from, int64_t frames,
                          const cfg_pipeline *cfg, const take_wording *words, lt_error *err)
{
    longtake_shot shot = *from;
    char *known = NULL;
    if (shot.prompt)
        LT_TRY(reword(s, words, shot.prompt, &known, err));
    shot.prompt = known ? known : shot.prompt;
    told_events told = {.shot = &shot, .frames = frames, .fps = cfg->fps, .words = words};
    const bool spread = cfg->events == CFG_EVENTS_SPREAD && !shot.as_one_text;
    told.events = shot.prompt && spread ? take_prompt_events(shot.prompt, told.end) : 0;
    const lt_status status = told.events == 0 || frames <= told.events
                                 ? add_shot(s, &shot, false, err)
                                 : add_events(s, &told, err);
    free(known);
    return status;
}

static lt_status check_shot(const longtake_request *r, size_t i, int64_t frames, lt_error *err)
{
    const longtake_shot *shot = &r->shots[i];
    const int64_t at = shot->at_frame;
    char place[48];
    snprintf(place, sizeof place, "prompt of shot %zu", i);
    if (i == 0 ? at != 0 : at <= r->shots[i - 1].at_frame)
        return lt_fail(err, LT_ERR_USAGE, "shot %zu: begins at frame %lld, expected %s", i,
                       (long long)at, i == 0 ? "0" : "a frame after the shot before");
    if (!shot->prompt)
        return lt_fail(err, LT_ERR_USAGE, "shot %zu: prompt: found none, expected a text", i);
    if (at >= frames)
        return lt_fail(err, LT_ERR_USAGE, "shot %zu: begins at frame %lld, the take has %lld", i,
                       (long long)at, (long long)frames);
    return check_prompt(shot->prompt, place, err);
}

/* What a shot leaves open goes on as it was (take_prompt_going_on). */
static lt_status go_on(take_spec *s, const take_wording *words, lt_error *err)
{
    for (int i = 1; i < s->shots; i++) {
        char *whole = NULL;
        if (!s->shot[i].as_one_text)
            LT_TRY(
                take_prompt_going_on(words, s->shot[i - 1].prompt, s->shot[i].prompt, &whole, err));
        if (whole) {
            free(s->shot[i].prompt);
            s->shot[i].prompt = whole;
        }
    }
    return LT_OK;
}

/* The prompt of a whole take, or none, is one shot. */
static lt_status resolve_shots(const longtake_request *r, const cfg_model *cfg,
                               const take_wording *words, int needs, take_spec *s, lt_error *err)
{
    if (r->prompt && r->shot_count > 0)
        return lt_fail(err, LT_ERR_USAGE, "prompt and shots: found both, expected one");
    if (!r->prompt && r->shot_count == 0 && needs & TAKE_NEEDS_PROMPT)
        return lt_fail(err, LT_ERR_USAGE, "--prompt: found none, expected a text");
    longtake_shot whole;
    longtake_shot_init(&whole);
    whole.prompt = r->prompt;
    if (r->prompt)
        LT_TRY(check_prompt(r->prompt, "--prompt", err));
    for (size_t i = 0; i < r->shot_count; i++)
        LT_TRY(check_shot(r, i, s->time.frames, err));
    const size_t count = r->shot_count > 0 ? r->shot_count : 1;
    for (size_t i = 0; i < count; i++) {
        const longtake_shot shot = filled(s, r->shot_count > 0 ? &r->shots[i] : &whole);
        const int64_t end = i + 1 < r->shot_count ? r->shots[i + 1].at_frame : s->time.frames;
        LT_TRY(check_settings(&shot, i, err));
        LT_TRY(add_told(s, &shot, end - shot.at_frame, &cfg->pipeline, words, err));
    }
    return go_on(s, words, err);
}

static lt_status resolve_retakes(const longtake_request *r, take_spec *s, lt_error *err)
{
    if (r->retake_count > TAKE_MAX_RETAKES)
        return lt_fail(err, LT_ERR_USAGE,
                       "--retake: found %zu retakes over each other, expected at most %d",
                       r->retake_count, TAKE_MAX_RETAKES);
    for (size_t i = 0; i < r->retake_count; i++) {
        const longtake_retake *from = &r->retakes[i];
        if (from->first < 0 || from->last < from->first || from->last >= s->time.windows)
            return lt_fail(err, LT_ERR_USAGE,
                           "--retake: found windows %lld to %lld, the take has %lld, from 0",
                           (long long)from->first, (long long)from->last,
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
        s = resolve_shots(r, cfg, words, needs, out, err);
    if (s == LT_OK)
        s = resolve_retakes(r, out, err);
    if (s != LT_OK)
        take_spec_clear(out);
    return s;
}

bool take_spec_has_prompt(const take_spec *s)
{
    return s->shot[0].prompt[0] != '\0';
}

lt_status take_fail_no_prompt(const char *path, lt_error *err)
{
    return lt_fail(err, LT_ERR_USAGE, "--prompt: found none, and %s holds none", path);
}

lt_status take_spec_go_on_from(take_spec *s, const take_wording *words, const char *prompt,
                               int64_t at_frame, lt_error *err)
{
    const bool has_own = take_spec_has_prompt(s);
    if (has_own && (at_frame == 0 || strcmp(s->shot[0].prompt, prompt) == 0))
        return LT_OK;
    char *shown = strdup(prompt);
    take_shot *longer = realloc(s->shot, (size_t)(s->shots + 1) * sizeof *longer);
    if (longer)
        s->shot = longer;
    if (!shown || !longer) {
        free(shown);
        return lt_fail(err, LT_ERR_RESOURCES, "prompts: out of memory");
    }
    if (has_own) {
        memmove(longer + 1, longer, (size_t)s->shots++ * sizeof *longer);
        longer[0].plan = NULL;
        longer[1].at_frame = at_frame;
    } else {
        free(longer[0].prompt);
    }
    longer[0].prompt = shown;
    return go_on(s, words, err);
}

void take_spec_clear(take_spec *s)
{
    for (int i = 0; i < s->shots; i++) {
        free(s->shot[i].prompt);
        free(s->shot[i].plan);
    }
    free(s->shot);
    *s = (take_spec){0};
}

int take_shot_of_segment(const take_spec *s, int64_t segment)
{
    int shot = 0;
    while (shot + 1 < s->shots &&
           take_segment_of_change(&s->time, s->shot[shot + 1].at_frame) <= segment)
        shot++;
    return shot;
}

int take_shot_of_window(const take_spec *s, int64_t window)
{
    int shot = 0;
    while (shot + 1 < s->shots &&
           take_window_of_change(&s->time, s->shot[shot + 1].at_frame) <= window)
        shot++;
    return shot;
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

lt_json *take_spec_json(const take_spec *s)
{
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "seed", lt_json_new_int(s->seed));
    lt_json_set(o, "frames", lt_json_new_int(s->time.frames));
    lt_json_set(o, "fps", lt_json_new_real(s->fps));
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
    lt_json_set(o, "cfg_schedule", lt_json_new_string(take_schedule_name(s->schedule)));
    lt_json_set(o, "guidance", lt_json_new_string(take_guidance_name(s->guidance)));
    lt_json_set(o, "carry", lt_json_new_string(take_carry_name(s->carry)));
    if (s->speed != DIT_EXACT)
        lt_json_set(o, "speed", lt_json_new_string(take_speed_name(s->speed)));
    lt_json_set(o, "overlap", lt_json_new_int(s->time.overlap));
    lt_json_set(o, "scale", lt_json_new_int(s->scale));
    return o;
}
