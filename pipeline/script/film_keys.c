/* film_keys.c - the tables of keys; see film_keys.h. */
#include "pipeline/script/film_keys.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "configs/nearest_key.h"
#include "kernels/core/decimal_text.h"

/* VALUE_INT64: seeds, of which every value has a meaning but LONGTAKE_SEED_UNSET. */
typedef enum { VALUE_INT, VALUE_INT64, VALUE_REAL, VALUE_WORD } value_kind;

/* A key of `take` or of a shot that goes straight to a field of a struct. */
typedef struct {
    const char *key;
    value_kind kind;
    size_t at;
    double low, high;
    const char *words[4]; /* of VALUE_WORD */
} value_field;

#define IN_TAKE(field) offsetof(longtake_settings, field)
#define IN_SHOT(field) offsetof(film_shot, field)
#define MAX_SEED       4294967295.0

static const value_field take_fields[] = {
    {"seed", VALUE_INT64, IN_TAKE(seed), -1, MAX_SEED, {0}},
    {"fps", VALUE_REAL, IN_TAKE(fps), 0.1, 240, {0}},
    {"scale", VALUE_INT, IN_TAKE(scale), 1, 8, {0}},
    {"lm_cfg", VALUE_REAL, IN_TAKE(lm_cfg), 0, 100, {0}},
    {"shot_cfg", VALUE_REAL, IN_TAKE(shot_cfg), 0, 100, {0}},
    {"temperature", VALUE_REAL, IN_TAKE(temperature), 1e-3, 100, {0}},
    {"top_k", VALUE_INT, IN_TAKE(top_k), 0, 65536, {0}},
    {"top_p", VALUE_REAL, IN_TAKE(top_p), 0, 1, {0}},
    {"motion", VALUE_REAL, IN_TAKE(motion), 0, 10, {0}},
    {"lm_context", VALUE_INT, IN_TAKE(lm_context), 0, 64, {0}},
    {"steps", VALUE_INT, IN_TAKE(steps), 1, 999, {0}},
    {"cfg_scale", VALUE_REAL, IN_TAKE(cfg_scale), 0, 100, {0}},
    {"cfg_schedule", VALUE_WORD, IN_TAKE(cfg_schedule), 0, 0, {"official", "ramp", "constant"}},
    {"guidance", VALUE_WORD, IN_TAKE(guidance), 0, 0, {"cfg", "apg"}},
    {"speed", VALUE_WORD, IN_TAKE(speed), 0, 0, {"exact", "fast", "faster"}},
    {"codes", VALUE_WORD, IN_TAKE(codes), 0, 0, {"auto", "scene", "picture"}},
    {"overlap", VALUE_INT, IN_TAKE(overlap), 1, 1023, {0}},
    {"carry", VALUE_WORD, IN_TAKE(carry), 0, 0, {"latents", "frames", "renoise"}},
};

static const value_field shot_fields[] = {
    {"motion", VALUE_REAL, IN_SHOT(motion), 0, 10, {0}},
    {"seed", VALUE_INT64, IN_SHOT(seed), 0, MAX_SEED, {0}},
    {"lm_cfg", VALUE_REAL, IN_SHOT(lm_cfg), 0, 100, {0}},
    {"shot_cfg", VALUE_REAL, IN_SHOT(shot_cfg), 0, 100, {0}},
    {"cfg_scale", VALUE_REAL, IN_SHOT(cfg_scale), 0, 100, {0}},
};

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

static lt_status read_word(const cfg_document *doc, const cfg_node *n, const value_field *f,
                           const char **out, lt_error *err)
{
    for (int i = 0; n->kind == CFG_NODE_SCALAR && i < COUNT(f->words) && f->words[i]; i++)
        if (strcmp(n->text, f->words[i]) == 0) {
            *out = f->words[i];
            return LT_OK;
        }
    char expected[96];
    snprintf(expected, sizeof expected, "%s, %s%s%s", f->words[0], f->words[1],
             f->words[2] ? " or " : "", f->words[2] ? f->words[2] : "");
    return film_fail_kind(doc, n, expected, err);
}

static lt_status read_value(const cfg_document *doc, const cfg_node *n, const value_field *f,
                            void *object, lt_error *err)
{
    void *place = (char *)object + f->at;
    if (f->kind == VALUE_WORD)
        return read_word(doc, n, f, place, err);
    const bool whole = f->kind != VALUE_REAL;
    double value = 0;
    if (n->kind != CFG_NODE_SCALAR || n->quoted || !lt_parse_decimal(n->text, &value) ||
        (whole && value != floor(value)))
        return film_fail_kind(doc, n, whole ? "a whole number" : "a number", err);
    if (value < f->low || value > f->high)
        return cfg_node_fail(doc, n, err, "'%s' is %s, expected %.10g to %.10g", f->key, n->text,
                             f->low, f->high);
    if (f->kind == VALUE_INT)
        *(int *)place = (int)value;
    else if (f->kind == VALUE_INT64)
        *(int64_t *)place = (int64_t)value;
    else
        *(double *)place = value;
    return LT_OK;
}

/* A key that nobody knows; `own` are the keys beside those of the table. */
static lt_status unknown_key(const cfg_document *doc, const cfg_node *n, const value_field *fields,
                             int count, const char *const *own, const char *where, lt_error *err)
{
    const char *known[COUNT(take_fields) + 8];
    int all = 0;
    for (; own[all]; all++)
        known[all] = own[all];
    for (int i = 0; i < count; i++)
        known[all++] = fields[i].key;
    char key[CFG_EXCERPT_BYTES];
    const char *nearest = cfg_nearest_key(n->key, known, all);
    return cfg_node_key_fail(doc, n, err, "%s has no key '%s'%s%s%s", where,
                             cfg_excerpt(n->key, key), nearest ? "\nhint: the nearest is '" : "",
                             nearest ? nearest : "", nearest ? "'" : "");
}

static const value_field *field_of(const value_field *fields, int count, const char *key)
{
    for (int i = 0; i < count; i++)
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

lt_status film_setting(const cfg_document *doc, const cfg_node *n, longtake_settings *out,
                       bool *known, lt_error *err)
{
    const value_field *field = field_of(take_fields, COUNT(take_fields), n->key);
    *known = field != NULL;
    return field ? read_value(doc, n, field, out, err) : LT_OK;
}

lt_status film_unknown_setting(const cfg_document *doc, const cfg_node *n, const char *const *own,
                               const char *where, lt_error *err)
{
    return unknown_key(doc, n, take_fields, COUNT(take_fields), own, where, err);
}

lt_status film_shot_setting(const cfg_document *doc, const cfg_node *n, film_shot *out, bool *known,
                            lt_error *err)
{
    const value_field *field = field_of(shot_fields, COUNT(shot_fields), n->key);
    *known = field != NULL;
    return field ? read_value(doc, n, field, out, err) : LT_OK;
}

lt_status film_unknown_shot_setting(const cfg_document *doc, const cfg_node *n,
                                    const char *const *own, lt_error *err)
{
    return unknown_key(doc, n, shot_fields, COUNT(shot_fields), own, "a shot", err);
}

lt_status film_unknown_key(const cfg_document *doc, const cfg_node *n, const char *const *own,
                           lt_error *err)
{
    return unknown_key(doc, n, NULL, 0, own, "a film", err);
}

/* ---- over each other ---- */

/* Copies a field of `from` where `to` leaves it unset. */
static void keep(const value_field *f, const longtake_settings *from, longtake_settings *to)
{
    const void *given = (const char *)from + f->at;
    void *place = (char *)to + f->at;
    if (f->kind == VALUE_WORD && !*(const char **)place)
        *(const char **)place = *(const char *const *)given;
    else if (f->kind == VALUE_REAL && *(double *)place < 0)
        *(double *)place = *(const double *)given;
    else if (f->kind == VALUE_INT && *(int *)place < 0)
        *(int *)place = *(const int *)given;
    else if (f->kind == VALUE_INT64 && *(int64_t *)place == LONGTAKE_SEED_UNSET)
        *(int64_t *)place = *(const int64_t *)given;
}

void film_keep_settings(const longtake_settings *from, longtake_settings *to)
{
    longtake_settings rest = *from;
    /* of the two ways to cut the tail of what may be drawn a take has one */
    rest.top_p = to->top_k > 0 ? -1 : rest.top_p;
    rest.top_k = to->top_p > 0 ? -1 : rest.top_k;
    for (int i = 0; i < COUNT(take_fields); i++)
        keep(&take_fields[i], &rest, to);
}
