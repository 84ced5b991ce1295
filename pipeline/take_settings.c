/* take_settings.c - the table of settings; see take_settings.h. */
#include "pipeline/take_settings.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "configs/mmdit_config.h"

#define SETTING(type, name, reads)                                                                 \
    .key = #name, .kind = TAKE_VALUE_##type, .at = offsetof(longtake_settings, name),              \
    .part = TAKE_READS_##reads
#define RANGE(from, to) .low = (from), .high = (to)

/* What a model limits further, take_spec checks: top_k, overlap, codes. */
const take_setting take_settings[TAKE_SETTINGS] = {
    {SETTING(INT64, seed, LENGTH), RANGE(-1, 4294967295.0)},
    {SETTING(RATE, fps, FRAMES), RANGE(0.1, 240)},
    {SETTING(INT, scale, FRAMES), RANGE(1, 8)},
    {SETTING(REAL, lm_cfg, PLANNING), RANGE(0, 100)},
    {SETTING(REAL, shot_cfg, PLANNING), RANGE(0, 100)},
    {SETTING(REAL, temperature, PLANNING), RANGE(1e-3, 100)},
    {SETTING(INT, top_k, PLANNING), RANGE(0, 65536)},
    {SETTING(REAL, top_p, PLANNING), RANGE(0, 1)},
    {SETTING(REAL, motion, PLANNING), RANGE(0, 10)},
    {SETTING(INT, lm_context, PLANNING), RANGE(0, 64)},
    {SETTING(INT, steps, REFINING), RANGE(1, CFG_MAX_STEPS - 1)},
    {SETTING(REAL, cfg_scale, REFINING), RANGE(0, 100)},
    {SETTING(WORD, cfg_schedule, REFINING), .words = {"official", "ramp", "constant"}},
    {SETTING(WORD, guidance, REFINING), .words = {"cfg", "apg"}},
    {SETTING(WORD, speed, REFINING), .words = {"exact", "fast", "faster"}},
    {SETTING(WORD, codes, CLIP), .words = {"auto", "scene", "picture"}},
    {SETTING(INT, overlap, OVERLAP), RANGE(1, 1023)},
    {SETTING(WORD, carry, REFINING), .words = {"latents", "frames", "renoise"}},
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
    if (isfinite(value) && value >= s->low && value <= s->high)
        return LT_OK;
    flag_of(key, flag, sizeof flag);
    return lt_fail(err, LT_ERR_USAGE, "%s: found %.10g, expected %.10g to %.10g",
                   place ? place : flag, value, s->low, s->high);
}

void take_setting_put(const take_setting *s, double value, void *field)
{
    assert(s->kind != TAKE_VALUE_WORD);
    if (s->kind == TAKE_VALUE_INT)
        *(int *)field = (int)value;
    else if (s->kind == TAKE_VALUE_INT64)
        *(int64_t *)field = (int64_t)value;
    else
        *(double *)field = value;
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

static bool is_unset(const take_setting *s, const longtake_settings *from)
{
    const void *place = (const char *)from + s->at;
    switch (s->kind) {
    case TAKE_VALUE_WORD:
        return !*(const char *const *)place;
    case TAKE_VALUE_REAL:
    case TAKE_VALUE_RATE:
        return *(const double *)place < 0;
    case TAKE_VALUE_INT64:
        return *(const int64_t *)place == LONGTAKE_SEED_UNSET;
    default:
        return *(const int *)place < 0;
    }
}

static void copy(const take_setting *s, const longtake_settings *from, longtake_settings *to)
{
    static const size_t bytes[] = {[TAKE_VALUE_INT] = sizeof(int),
                                   [TAKE_VALUE_INT64] = sizeof(int64_t),
                                   [TAKE_VALUE_REAL] = sizeof(double),
                                   [TAKE_VALUE_RATE] = sizeof(double),
                                   [TAKE_VALUE_WORD] = sizeof(char *)};
    memcpy((char *)to + s->at, (const char *)from + s->at, bytes[s->kind]);
}

void take_settings_fill(const longtake_settings *from, longtake_settings *to)
{
    longtake_settings rest = *from;
    /* of the two ways to cut the tail of what may be drawn a take has one */
    rest.top_p = to->top_k > 0 ? -1 : rest.top_p;
    rest.top_k = to->top_p > 0 ? -1 : rest.top_k;
    for (int i = 0; i < TAKE_SETTINGS; i++)
        if (is_unset(&take_settings[i], to))
            copy(&take_settings[i], &rest, to);
}

void take_settings_keep(longtake_settings *settings, unsigned parts)
{
    longtake_request unset;
    longtake_request_init(&unset);
    for (int i = 0; i < TAKE_SETTINGS; i++)
        if (!(take_settings[i].part & parts))
            copy(&take_settings[i], &unset.settings, settings);
}

const char *take_setting_word(const char *key, int index)
{
    return take_setting_of(key)->words[index];
}
