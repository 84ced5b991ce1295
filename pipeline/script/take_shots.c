/* take_shots.c - see take_shots.h. */
#include "pipeline/script/take_shots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/utf8.h"
#include "pipeline/script/prompt_events.h"
#include "pipeline/take_settings.h"
#include "text_encoder/white_space.h"

/* ---- checks ---- */

/* Words in UTF-8: metadata and both networks rest on it. */
static lt_status check_prompt(const char *prompt, const char *place, lt_error *err)
{
    const size_t bytes = strlen(prompt);
    bool has_words = false;
    for (size_t at = 0; at < bytes;) {
        uint32_t code = 0;
        const size_t length = lt_utf8_char(prompt + at, bytes - at, &code);
        if (length == 0)
            return lt_fail(err, LT_ERR_USAGE, "%s: byte %zu (0x%02x) is not UTF-8", place, at,
                           (unsigned)(unsigned char)prompt[at]);
        has_words = has_words || !text_is_space(code);
        at += length;
    }
    return has_words ? LT_OK
                     : lt_fail(err, LT_ERR_USAGE, "%s: found no words, expected a text", place);
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

static lt_status check_setting(size_t index, const char *key, double v, lt_error *err)
{
    char place[48];
    snprintf(place, sizeof place, "shot %zu: %s", index, key);
    return take_setting_check(place, key, v, err);
}

/* `index`: of a filled shot, for messages; what the take left to it is known to be in range. */
static lt_status check_settings(const longtake_shot *shot, size_t index, lt_error *err)
{
    if (!(shot->plan_from_seconds >= 0 && shot->plan_seconds >= 0))
        return lt_fail(err, LT_ERR_USAGE,
                       "shot %zu: plan: found %g s from %g s on, expected a span", index,
                       shot->plan_seconds, shot->plan_from_seconds);
    LT_TRY(check_setting(index, "motion", shot->motion, err));
    LT_TRY(check_setting(index, "lm_cfg", shot->lm_cfg, err));
    LT_TRY(check_setting(index, "shot_cfg", shot->shot_cfg, err));
    LT_TRY(check_setting(index, "cfg_scale", shot->cfg_scale, err));
    if (shot->seed > (int64_t)UINT32_MAX)
        return lt_fail(err, LT_ERR_USAGE, "shot %zu: seed: found %lld, expected 0 to 4294967295",
                       index, (long long)shot->seed);
    return LT_OK;
}

/* ---- shots, and the events that they tell ---- */

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
    f.motion = take_given(f.motion, s->motion);
    f.seed = f.seed < 0 ? s->seed : f.seed;
    f.lm_cfg = take_given(f.lm_cfg, s->lm_cfg);
    f.shot_cfg = take_given(f.shot_cfg, s->shot_cfg);
    f.cfg_scale = take_given(f.cfg_scale, s->cfg_scale);
    return f;
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

/* The prompt of a shot in the model's words, with what is usual where a take begins with it. *out:
 * NULL where it stays as it is; free() it. */
static lt_status in_words(take_spec *s, const take_wording *words, const char *prompt, bool begins,
                          char **out, lt_error *err)
{
    char *usual = NULL;
    LT_TRY(reword(s, words, prompt, out, err));
    const lt_status status =
        begins ? take_prompt_with_usual(words, *out ? *out : prompt, &usual, err) : LT_OK;
    if (status != LT_OK || usual) {
        free(*out);
        *out = usual;
    }
    s->begins_as_usual = s->begins_as_usual || usual;
    return status;
}

/* A filled shot of `frames` frames, in the model's words; where it tells events and the model
 * spreads them, as several. `begins`: it is the first of a take that nothing is seen before. */
static lt_status add_told(take_spec *s, const longtake_shot *from, int64_t frames, bool begins,
                          const cfg_pipeline *cfg, const take_wording *words, lt_error *err)
{
    longtake_shot shot = *from;
    char *known = NULL;
    if (shot.prompt)
        LT_TRY(in_words(s, words, shot.prompt, begins, &known, err));
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
lt_status take_shots_resolve(const longtake_request *r, const cfg_model *cfg,
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
        const bool begins = i == 0 && needs & TAKE_BEGINS_UNSEEN && !shot.plan && !shot.as_one_text;
        LT_TRY(add_told(s, &shot, end - shot.at_frame, begins, &cfg->pipeline, words, err));
    }
    return go_on(s, words, err);
}

void take_shots_clear(take_spec *s)
{
    for (int i = 0; i < s->shots; i++) {
        free(s->shot[i].prompt);
        free(s->shot[i].plan);
    }
    free(s->shot);
    s->shot = NULL;
    s->shots = 0;
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

/* ---- what holds when ---- */

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
