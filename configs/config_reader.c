/* config_reader.c - a tree of values into the struct that a table describes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configs/config_fields.h"
#include "configs/model_config.h"
#include "configs/nearest_key.h"
#include "kernels/core/decimal_text.h"

enum { MAX_FIELDS = 32 };

typedef struct {
    const cfg_document *doc;
    bool partial;             /* keys may be missing */
    const char *const *extra; /* keys of the outermost map that are left to somebody else,
                                 NULL-terminated; or NULL */
    lt_error *err;
} reading;

/* "mmdit" and "steps" -> "mmdit.steps" */
static const char *join_path(const char *section, const char *key, char out[CFG_PATH_BYTES])
{
    snprintf(out, CFG_PATH_BYTES, "%s%s%s", section, section[0] != '\0' ? "." : "", key);
    return out;
}

/* A value as a message shows it: 'abc', "8", a list. */
static const char *show_value(const cfg_node *n, char out[CFG_EXCERPT_BYTES + 2])
{
    char text[CFG_EXCERPT_BYTES];
    if (n->kind != CFG_NODE_SCALAR)
        return cfg_node_kind_name(n);
    const char quote = n->quoted ? '"' : '\'';
    snprintf(out, CFG_EXCERPT_BYTES + 2, "%c%s%c", quote, cfg_excerpt(n->text, text), quote);
    return out;
}

static lt_status fail_kind(const reading *r, const cfg_node *n, const char *path,
                           const char *expected)
{
    char value[CFG_EXCERPT_BYTES + 2];
    return cfg_node_fail(r->doc, n, r->err, "'%s' is %s, expected %s", path, show_value(n, value),
                         expected);
}

static lt_status fail_range(const reading *r, const cfg_node *n, const char *path,
                            const cfg_field *field)
{
    char low[LT_DECIMAL_BYTES];
    char high[LT_DECIMAL_BYTES];
    char value[CFG_EXCERPT_BYTES];
    lt_decimal_text(field->low, low);
    lt_decimal_text(field->high, high);
    return cfg_node_fail(r->doc, n, r->err, "'%s' is %s, expected %s to %s%s%s%s", path,
                         cfg_excerpt(n->text, value), low, high, field->unit != NULL ? " (" : "",
                         field->unit != NULL ? field->unit : "", field->unit != NULL ? ")" : "");
}

static lt_status read_int(const reading *r, const cfg_node *n, const char *path,
                          const cfg_field *field, int *out)
{
    int64_t value = 0;
    if (n->kind != CFG_NODE_SCALAR || n->quoted || !lt_parse_integer(n->text, &value))
        return fail_kind(r, n, path, "an integer");
    if ((double)value < field->low || (double)value > field->high)
        return fail_range(r, n, path, field);
    *out = (int)value;
    return LT_OK;
}

static lt_status read_real(const reading *r, const cfg_node *n, const char *path,
                           const cfg_field *field, double *out)
{
    if (n->kind != CFG_NODE_SCALAR || n->quoted || !lt_parse_decimal(n->text, out))
        return fail_kind(r, n, path, "a number");
    if (*out < field->low || *out > field->high)
        return fail_range(r, n, path, field);
    return LT_OK;
}

static lt_status read_choice(const reading *r, const cfg_node *n, const char *path,
                             const cfg_field *field, void *out)
{
    char expected[128] = "";
    int count = 0;
    for (; field->words[count] != NULL; count++) {
        if (n->kind == CFG_NODE_SCALAR && strcmp(n->text, field->words[count]) == 0) {
            const unsigned value = (unsigned)count;
            memcpy(out, &value, sizeof value);
            return LT_OK;
        }
        const size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, "%s%s", count > 0 ? " or " : "",
                 field->words[count]);
    }
    return fail_kind(r, n, path, expected);
}

static lt_status read_list(const reading *r, const cfg_node *n, const char *path,
                           const cfg_field *field, char *base)
{
    if (n->kind != CFG_NODE_LIST)
        return fail_kind(r, n, path, "a list such as [1, 2]");
    if (n->count < field->shortest || n->count > field->capacity) {
        if (field->shortest == field->capacity)
            return cfg_node_fail(r->doc, n, r->err, "'%s' has %d values, expected %d", path,
                                 n->count, field->capacity);
        return cfg_node_fail(r->doc, n, r->err, "'%s' has %d values, expected %d to %d", path,
                             n->count, field->shortest, field->capacity);
    }
    int *ints = (int *)(void *)(base + field->at);
    double *reals = (double *)(void *)(base + field->at);
    int i = 0;
    for (const cfg_node *item = n->first; item != NULL; item = item->next, i++) {
        if (field->kind == CFG_INT_LIST)
            LT_TRY(read_int(r, item, path, field, &ints[i]));
        else
            LT_TRY(read_real(r, item, path, field, &reals[i]));
    }
    if (field->count_at != CFG_FIXED)
        *(int *)(void *)(base + field->count_at) = n->count;
    return LT_OK;
}

static bool is_split(const cfg_node *map, const cfg_table *split)
{
    for (int i = 0; split != NULL && i < split->count; i++)
        if (cfg_node_get(map, split->fields[i].key) != NULL)
            return true;
    return false;
}

static lt_status read_section(const reading *r, const cfg_node *map, const char *path,
                              const cfg_table *table, char *base);

static lt_status read_field(const reading *r, const cfg_node *n, const char *path,
                            const cfg_field *field, char *base)
{
    void *at = base + field->at;
    double real = 0;
    switch (field->kind) {
    case CFG_INT:
        return read_int(r, n, path, field, at);
    case CFG_REAL:
        return read_real(r, n, path, field, at);
    case CFG_FLOAT:
        LT_TRY(read_real(r, n, path, field, &real));
        *(float *)at = (float)real;
        return LT_OK;
    case CFG_CHOICE:
        return read_choice(r, n, path, field, at);
    case CFG_INT_LIST:
    case CFG_REAL_LIST:
        return read_list(r, n, path, field, base);
    case CFG_SECTION:
        break;
    }
    if (is_split(n, field->split))
        return read_section(r, n, path, field->split, base);
    return read_section(r, n, path, field->section, at);
}

/* Where a key of exactly this name is, anywhere in a model. */
static bool find_elsewhere(const cfg_table *table, const char *section, const char *key,
                           char path[CFG_PATH_BYTES])
{
    const cfg_field *field = cfg_find_field(table, key);
    if (field != NULL)
        join_path(section, key, path);
    for (int i = 0; field == NULL && i < table->count; i++) {
        char child[CFG_PATH_BYTES];
        if (table->fields[i].kind == CFG_SECTION &&
            find_elsewhere(table->fields[i].section,
                           join_path(section, table->fields[i].key, child), key, path))
            return true;
    }
    return field != NULL;
}

/* "unknown key 'mmdit.stepz'" and the nearest of the table's keys, else one of
 * that name in another section. */
static lt_status fail_unknown(const reading *r, const cfg_node *n, const char *section,
                              const cfg_table *table)
{
    char key[CFG_EXCERPT_BYTES];
    char path[CFG_PATH_BYTES];
    const char *keys[MAX_FIELDS];
    int count = 0;
    for (; count < table->count && count < MAX_FIELDS; count++)
        keys[count] = table->fields[count].key;
    const char *nearest = cfg_nearest_key(n->key, keys, count);
    char elsewhere[CFG_PATH_BYTES];
    if (nearest == NULL && !r->partial && find_elsewhere(&cfg_model_table, "", n->key, elsewhere))
        nearest = elsewhere;
    join_path(section, cfg_excerpt(n->key, key), path);
    if (nearest == NULL)
        return cfg_node_key_fail(r->doc, n, r->err, "unknown key '%s'", path);
    return cfg_node_key_fail(r->doc, n, r->err, "unknown key '%s'\nhint: the nearest key is '%s'",
                             path, nearest);
}

static lt_status check_complete(const reading *r, const cfg_node *map, const char *path,
                                const cfg_table *table)
{
    char missing[512] = "";
    for (int i = 0; i < table->count; i++) {
        const cfg_field *field = &table->fields[i];
        if (field->optional || cfg_node_get(map, field->key) != NULL)
            continue;
        const size_t used = strlen(missing);
        snprintf(missing + used, sizeof missing - used, "%s%s", used > 0 ? ", " : "", field->key);
    }
    if (missing[0] == '\0')
        return LT_OK;
    if (path[0] == '\0')
        return lt_fail(r->err, LT_ERR_INPUT, "%s: missing: %s", r->doc->place, missing);
    return cfg_node_fail(r->doc, map, r->err, "'%s' lacks %s", path, missing);
}

static bool is_extra(const reading *r, const char *path, const char *key)
{
    if (path[0] != '\0' || r->extra == NULL)
        return false;
    for (const char *const *word = r->extra; *word != NULL; word++)
        if (strcmp(*word, key) == 0)
            return true;
    return false;
}

static lt_status read_section(const reading *r, const cfg_node *map, const char *path,
                              const cfg_table *table, char *base)
{
    if (map->kind != CFG_NODE_MAP)
        return fail_kind(r, map, path[0] != '\0' ? path : "the document", "a map of keys");
    for (const cfg_node *n = map->first; n != NULL; n = n->next) {
        if (is_extra(r, path, n->key))
            continue;
        const cfg_field *field = cfg_find_field(table, n->key);
        if (field == NULL)
            return fail_unknown(r, n, path, table);
        char child[CFG_PATH_BYTES];
        LT_TRY(read_field(r, n, join_path(path, n->key, child), field, base));
    }
    return r->partial ? LT_OK : check_complete(r, map, path, table);
}

/* Optional keys that are absent keep these: the released values. 0 stands for what follows from
 * other sections. */
static void preset(cfg_model *cfg)
{
    *cfg = (cfg_model){
        .ar_model.frames_limit = 13,
        .mmdit.carry = CFG_CARRY_LATENTS,
        .pipeline = {.fps = 8,
                     .lm_cfg = 7.5,
                     .shot_cfg = 1,
                     .events = CFG_EVENTS_TOGETHER,
                     .temperature = 1,
                     .motion = 0.1,
                     .lm_context = 4,
                     .cfg_scale = 6,
                     .schedule = CFG_SCHEDULE_OFFICIAL,
                     .guidance = CFG_GUIDANCE_CFG},
    };
}

/* 720 x 480 and 7 for the release: the VAE's pixels of the latent grid;
 * about half of a window, odd. */
static void derive_pipeline(cfg_model *cfg)
{
    cfg_pipeline *p = &cfg->pipeline;
    const int pixels = 1 << (cfg->temporal_vae.multiplier_count - 1);
    if (p->width == 0)
        p->width = cfg->mmdit.latent_width * pixels;
    if (p->height == 0)
        p->height = cfg->mmdit.latent_height * pixels;
    if (p->overlap == 0)
        p->overlap = ((cfg->mmdit.latent_frames + 1) / 2 - 1) | 1;
}

lt_status cfg_read_document(const cfg_document *doc, cfg_model *out, lt_error *err)
{
    preset(out);
    const reading r = {.doc = doc, .err = err};
    LT_TRY(read_section(&r, doc->root, "", &cfg_model_table, (char *)out));
    out->one_text_encoder =
        !is_split(cfg_node_get(doc->root, "text_encoder"), cfg_model_table.fields[0].split);
    if (out->one_text_encoder)
        out->text_mmdit = out->text_ar;
    derive_pipeline(out);
    return cfg_check(out, doc->place, err);
}

lt_status cfg_read(const char *path, cfg_model *out, lt_error *err)
{
    cfg_document *doc;
    LT_TRY(cfg_yaml_read(path, &doc, err));
    const lt_status s = cfg_read_document(doc, out, err);
    cfg_document_close(doc);
    return s;
}

/* --set ---------------------------------------------------------------------------------------- */

/* Reads the value of one field that `path` names; `rest` is what is left of the path. */
static lt_status set_in(const reading *r, const cfg_model *cfg, const char *path, const char *rest,
                        const cfg_table *table, char *base)
{
    const size_t length = strcspn(rest, ".");
    cfg_node key = {.key = strndup(rest, length)};
    if (key.key == NULL)
        return lt_fail(r->err, LT_ERR_RESOURCES, "%s: out of memory", path);
    const cfg_field *field = cfg_find_field(table, key.key);
    lt_status s = LT_OK;
    if (field == NULL) {
        char section[CFG_PATH_BYTES];
        snprintf(section, sizeof section, "%.*s", rest > path ? (int)(rest - path - 1) : 0, path);
        s = fail_unknown(r, &key, section, table);
    } else if (field->kind == CFG_SECTION && rest[length] == '.') {
        const bool split = field->split != NULL && !cfg->one_text_encoder;
        s = set_in(r, cfg, path, rest + length + 1, split ? field->split : field->section,
                   split ? base : base + field->at);
    } else if (field->kind == CFG_SECTION) {
        s = lt_fail(r->err, LT_ERR_INPUT, "%s: '%s' is a section, expected one of its keys",
                    r->doc->place, path);
    } else if (rest[length] == '.') {
        s = lt_fail(r->err, LT_ERR_INPUT, "%s: '%.*s' is a value, it has no keys", r->doc->place,
                    (int)(rest + length - path), path);
    } else {
        s = read_field(r, r->doc->root, path, field, base);
    }
    free(key.key);
    return s;
}

static lt_status set_value(cfg_model *cfg, const char *path, const char *value, lt_error *err)
{
    cfg_document *doc;
    LT_TRY(cfg_yaml_parse(value, strlen(value), "--set", &doc, err));
    cfg_document_forget_lines(doc);
    const reading r = {.doc = doc, .err = err};
    cfg_model changed = *cfg;
    const lt_status s = set_in(&r, cfg, path, path, &cfg_model_table, (char *)&changed);
    cfg_document_close(doc);
    if (s != LT_OK)
        return s;
    *cfg = changed;
    if (cfg->one_text_encoder)
        cfg->text_mmdit = cfg->text_ar;
    return LT_OK;
}

lt_status cfg_set(cfg_model *cfg, const char *assignment, lt_error *err)
{
    const char *equals = strchr(assignment, '=');
    char shown[CFG_EXCERPT_BYTES];
    if (equals == NULL || equals == assignment || equals[1 + strspn(equals + 1, " ")] == '\0')
        return lt_fail(err, LT_ERR_USAGE, "--set: found '%s', expected SECTION.KEY=VALUE",
                       cfg_excerpt(assignment, shown));
    char path[CFG_PATH_BYTES];
    const int length = (int)(equals - assignment);
    if (length >= CFG_PATH_BYTES)
        return lt_fail(err, LT_ERR_USAGE, "--set: unknown key '%s'",
                       cfg_excerpt(assignment, shown));
    snprintf(path, sizeof path, "%.*s", length, assignment);
    lt_error why = {0};
    const lt_status s = set_value(cfg, path, equals + 1, &why);
    if (s == LT_OK || s == LT_ERR_RESOURCES)
        return s == LT_OK ? LT_OK : lt_fail(err, s, "%s", why.message);
    return lt_fail(err, LT_ERR_USAGE, "%s", why.message);
}

/* Golden files --------------------------------------------------------------------------------- */

static lt_status read_flat(const lt_json *flat, const char *place, const char *const *extra,
                           const cfg_table *table, void *out, lt_error *err)
{
    cfg_document *doc;
    LT_TRY(cfg_json_document(flat, place, &doc, err));
    const reading r = {.doc = doc, .partial = true, .extra = extra, .err = err};
    const lt_status s = read_section(&r, doc->root, "", table, out);
    cfg_document_close(doc);
    return s;
}

lt_status cfg_text_from_json(const lt_json *flat, const char *place, const char *const *extra,
                             cfg_text *out, lt_error *err)
{
    *out = (cfg_text){0};
    return read_flat(flat, place, extra, &cfg_text_table, out, err);
}

lt_status cfg_tokenizer_from_json(const lt_json *flat, const char *place, const char *const *extra,
                                  cfg_tokenizer *out, lt_error *err)
{
    *out = (cfg_tokenizer){0};
    return read_flat(flat, place, extra, &cfg_tokenizer_table, out, err);
}

lt_status cfg_theia_from_json(const lt_json *flat, const char *place, const char *const *extra,
                              cfg_tokenizer *out, lt_error *err)
{
    LT_TRY(cfg_tokenizer_from_json(flat, place, extra, out, err));
    if (out->theia.hidden_size == 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: config lacks the section 'theia'", place);
    return LT_OK;
}

lt_status cfg_ar_from_json(const lt_json *flat, const char *place, const char *const *extra,
                           cfg_ar *out, lt_error *err)
{
    *out = (cfg_ar){.frames_limit = 13};
    return read_flat(flat, place, extra, &cfg_ar_table, out, err);
}

lt_status cfg_mmdit_from_json(const lt_json *flat, const char *place, const char *const *extra,
                              cfg_mmdit *out, lt_error *err)
{
    *out = (cfg_mmdit){.carry = CFG_CARRY_LATENTS};
    return read_flat(flat, place, extra, &cfg_mmdit_table, out, err);
}

lt_status cfg_vae_from_json(const lt_json *flat, const char *place, const char *const *extra,
                            cfg_vae *out, lt_error *err)
{
    *out = (cfg_vae){0};
    return read_flat(flat, place, extra, &cfg_vae_table, out, err);
}
