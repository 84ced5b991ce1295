/* film_keys.c - see film_keys.h. */
#include "pipeline/script/film_keys.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "configs/nearest_key.h"
#include "kernels/core/decimal_text.h"
#include "pipeline/take_settings.h"

#define IN_SHOT(field)                                                                             \
    {                                                                                              \
#field, offsetof(film_shot, field)                                                         \
    }

/* Settings that a shot may have for itself. Of none of them a value below zero is one. */
static const struct {
    const char *key;
    size_t at;
} shot_settings[] = {IN_SHOT(motion), IN_SHOT(seed), IN_SHOT(lm_cfg), IN_SHOT(shot_cfg),
                     IN_SHOT(cfg_scale)};

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

/* ---- values ---- */

lt_status film_fail_kind(const cfg_document *doc, const cfg_node *n, const char *expected,
                         lt_error *err)
{
    char text[CFG_EXCERPT_BYTES];
    if (n->kind != CFG_NODE_SCALAR)
        return cfg_node_fail(doc, n, err, "'%s' is %s, expected %s", n->key, cfg_node_kind_name(n),
                             expected);
    return cfg_node_fail(doc, n, err, "'%s' is '%s', expected %s", n->key,
                         cfg_excerpt(n->text, text), expected);
}

static lt_status read_word(const cfg_document *doc, const cfg_node *n, const take_setting *setting,
                           const char **out, lt_error *err)
{
    for (int i = 0; n->kind == CFG_NODE_SCALAR && setting->words[i]; i++)
        if (strcmp(n->text, setting->words[i]) == 0) {
            *out = setting->words[i];
            return LT_OK;
        }
    char expected[TAKE_WORDS_BYTES];
    take_setting_words(setting, expected);
    return film_fail_kind(doc, n, expected, err);
}

/* "30000/1001": whole numbers above zero. */
static bool read_fraction(const char *text, const char *slash, double *out)
{
    char above[LT_DECIMAL_BYTES];
    int64_t dividend = 0;
    int64_t divisor = 0;
    if (slash - text >= (ptrdiff_t)sizeof above)
        return false;
    snprintf(above, sizeof above, "%.*s", (int)(slash - text), text);
    if (!lt_parse_integer(above, &dividend) || !lt_parse_integer(slash + 1, &divisor) ||
        dividend < 1 || divisor < 1)
        return false;
    *out = (double)dividend / (double)divisor;
    return true;
}

/* JSON has no fraction but as a text. */
static bool read_number(const cfg_node *n, take_value_kind kind, double *out)
{
    if (n->kind != CFG_NODE_SCALAR)
        return false;
    const char *slash = kind == TAKE_VALUE_RATE ? strchr(n->text, '/') : NULL;
    return slash ? read_fraction(n->text, slash, out)
                 : !n->quoted && lt_parse_decimal(n->text, out);
}

/* `low`: the least value here. */
static lt_status read_value(const cfg_document *doc, const cfg_node *n, const take_setting *setting,
                            double low, void *place, lt_error *err)
{
    if (setting->kind == TAKE_VALUE_WORD)
        return read_word(doc, n, setting, place, err);
    const bool whole = setting->kind == TAKE_VALUE_INT || setting->kind == TAKE_VALUE_INT64;
    double value = 0;
    if (!read_number(n, setting->kind, &value) || (whole && value != floor(value)))
        return film_fail_kind(doc, n,
                              whole                              ? "a whole number"
                              : setting->kind == TAKE_VALUE_RATE ? "a rate such as 24 or 30000/1001"
                                                                 : "a number",
                              err);
    if (value < low || value > setting->high)
        return cfg_node_fail(doc, n, err, "'%s' is %s, expected %.10g to %.10g", setting->key,
                             n->text, low, setting->high);
    take_setting_put(setting, value, place);
    return LT_OK;
}

/* A key that nobody knows; `known`: [count] keys, with room for `own`, those beside them. */
static lt_status unknown_key(const cfg_document *doc, const cfg_node *n, const char **known,
                             int count, const char *const *own, const char *where, lt_error *err)
{
    for (int i = 0; own[i]; i++)
        known[count++] = own[i];
    char key[CFG_EXCERPT_BYTES];
    const char *nearest = cfg_nearest_key(n->key, known, count);
    return cfg_node_key_fail(doc, n, err, "%s has no key '%s'%s%s%s", where,
                             cfg_excerpt(n->key, key), nearest ? "\nhint: the nearest is '" : "",
                             nearest ? nearest : "", nearest ? "'" : "");
}

enum { OWN_KEYS = 8 }; /* at most */

lt_status film_setting(const cfg_document *doc, const cfg_node *n, longtake_settings *out,
                       bool *known, lt_error *err)
{
    const take_setting *setting = take_setting_of(n->key);
    *known = setting != NULL;
    return setting ? read_value(doc, n, setting, setting->low, (char *)out + setting->at, err)
                   : LT_OK;
}

lt_status film_unknown_setting(const cfg_document *doc, const cfg_node *n, const char *const *own,
                               const char *where, lt_error *err)
{
    const char *known[TAKE_SETTINGS + OWN_KEYS];
    for (int i = 0; i < TAKE_SETTINGS; i++)
        known[i] = take_settings[i].key;
    return unknown_key(doc, n, known, TAKE_SETTINGS, own, where, err);
}

lt_status film_shot_setting(const cfg_document *doc, const cfg_node *n, film_shot *out, bool *known,
                            lt_error *err)
{
    for (int i = 0; i < COUNT(shot_settings); i++)
        if (strcmp(shot_settings[i].key, n->key) == 0) {
            *known = true;
            return read_value(doc, n, take_setting_of(n->key), 0, (char *)out + shot_settings[i].at,
                              err);
        }
    *known = false;
    return LT_OK;
}

lt_status film_unknown_shot_setting(const cfg_document *doc, const cfg_node *n,
                                    const char *const *own, lt_error *err)
{
    const char *known[COUNT(shot_settings) + OWN_KEYS];
    for (int i = 0; i < COUNT(shot_settings); i++)
        known[i] = shot_settings[i].key;
    return unknown_key(doc, n, known, COUNT(shot_settings), own, "a shot", err);
}

lt_status film_unknown_key(const cfg_document *doc, const cfg_node *n, const char *const *own,
                           lt_error *err)
{
    const char *known[OWN_KEYS];
    return unknown_key(doc, n, known, 0, own, "a film", err);
}
