/* take_settings.c - the table of settings; see take_settings.h. */
#include "pipeline/take_settings.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "configs/mmdit_config.h"

#define AT(field)   offsetof(longtake_settings, field)
#define WHOLE(name) .key = #name, .kind = TAKE_VALUE_INT, .at = AT(name)
#define SEED(name)  .key = #name, .kind = TAKE_VALUE_INT64, .at = AT(name)
#define REAL(name)  .key = #name, .kind = TAKE_VALUE_REAL, .at = AT(name)
#define WORD(name, ...)                                                                            \
    .key = #name, .kind = TAKE_VALUE_WORD, .at = AT(name), .words = {__VA_ARGS__}
#define RANGE(from, to) .low = (from), .high = (to)

/* What a model limits further, take_spec checks: top_k, overlap, codes. */
const take_setting take_settings[TAKE_SETTINGS] = {
    {SEED(seed), RANGE(-1, 4294967295.0)},
    {REAL(fps), RANGE(0.1, 240)},
    {WHOLE(scale), RANGE(1, 8)},
    {REAL(lm_cfg), RANGE(0, 100)},
    {REAL(shot_cfg), RANGE(0, 100)},
    {REAL(temperature), RANGE(1e-3, 100)},
    {WHOLE(top_k), RANGE(0, 65536)},
    {REAL(top_p), RANGE(0, 1)},
    {REAL(motion), RANGE(0, 10)},
    {WHOLE(lm_context), RANGE(0, 64)},
    {WHOLE(steps), RANGE(1, CFG_MAX_STEPS - 1)},
    {REAL(cfg_scale), RANGE(0, 100)},
    {WORD(cfg_schedule, "official", "ramp", "constant")},
    {WORD(guidance, "cfg", "apg")},
    {WORD(speed, "exact", "fast", "faster")},
    {WORD(codes, "auto", "scene", "picture")},
    {WHOLE(overlap), RANGE(1, 1023)},
    {WORD(carry, "latents", "frames", "renoise")},
};

const take_setting *take_setting_of(const char *key)
{
    for (int i = 0; i < TAKE_SETTINGS; i++)
        if (strcmp(take_settings[i].key, key) == 0)
            return &take_settings[i];
    return NULL;
}

/* "--cfg-scale" */
static void flag_of(const char *key, char *flag, size_t bytes)
{
    snprintf(flag, bytes, "--%s", key);
    for (char *c = flag; *c; c++)
        *c = *c == '_' ? '-' : *c;
}

lt_status take_setting_check(const char *place, const char *key, double value, lt_error *err)
{
    const take_setting *s = take_setting_of(key);
    char flag[32];
    assert(s && s->kind != TAKE_VALUE_WORD);
    flag_of(key, flag, sizeof flag);
    if (isfinite(value) && value >= s->low && value <= s->high)
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "%s: found %.10g, expected %.10g to %.10g",
                   place ? place : flag, value, s->low, s->high);
}

void take_setting_words(const take_setting *s, char text[TAKE_WORDS_BYTES])
{
    if (s->words[2])
        snprintf(text, TAKE_WORDS_BYTES, "%s, %s or %s", s->words[0], s->words[1], s->words[2]);
    else
        snprintf(text, TAKE_WORDS_BYTES, "%s or %s", s->words[0], s->words[1]);
}

lt_status take_setting_choose(const char *key, const char *word, int *index, lt_error *err)
{
    const take_setting *s = take_setting_of(key);
    assert(s && s->kind == TAKE_VALUE_WORD);
    if (!word)
        return LT_OK;
    for (int i = 0; s->words[i]; i++)
        if (strcmp(word, s->words[i]) == 0) {
            *index = i;
            return LT_OK;
        }
    char flag[32];
    char expected[TAKE_WORDS_BYTES];
    flag_of(key, flag, sizeof flag);
    take_setting_words(s, expected);
    return lt_fail(err, LT_ERR_USAGE, "%s: found \"%s\", expected %s", flag, word, expected);
}

/* Copies a field of `from` where `to` leaves it unset. */
static void fill(const take_setting *s, const longtake_settings *from, longtake_settings *to)
{
    const void *given = (const char *)from + s->at;
    void *place = (char *)to + s->at;
    if (s->kind == TAKE_VALUE_WORD && !*(const char **)place)
        *(const char **)place = *(const char *const *)given;
    else if (s->kind == TAKE_VALUE_REAL && *(double *)place < 0)
        *(double *)place = *(const double *)given;
    else if (s->kind == TAKE_VALUE_INT && *(int *)place < 0)
        *(int *)place = *(const int *)given;
    else if (s->kind == TAKE_VALUE_INT64 && *(int64_t *)place == LONGTAKE_SEED_UNSET)
        *(int64_t *)place = *(const int64_t *)given;
}

void take_settings_fill(const longtake_settings *from, longtake_settings *to)
{
    longtake_settings rest = *from;
    /* of the two ways to cut the tail of what may be drawn a take has one */
    rest.top_p = to->top_k > 0 ? -1 : rest.top_p;
    rest.top_k = to->top_p > 0 ? -1 : rest.top_k;
    for (int i = 0; i < TAKE_SETTINGS; i++)
        fill(&take_settings[i], &rest, to);
}

const char *take_setting_word(const char *key, int index)
{
    return take_setting_of(key)->words[index];
}
