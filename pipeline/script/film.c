/* film.c - YAML -> shots and settings; see film.h. */
#include "pipeline/script/film.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/core/decimal_text.h"
#include "kernels/core/whole_file.h"
#include "pipeline/script/film_keys.h"
#include "pipeline/take_settings.h"

/* ---- values ---- */

static lt_status read_text(const cfg_document *doc, const cfg_node *n, const char **out,
                           lt_error *err)
{
    if (n->kind != CFG_NODE_SCALAR || n->text[strspn(n->text, " \t\n")] == '\0')
        return film_fail_kind(doc, n, "a text", err);
    *out = n->text;
    return LT_OK;
}

static lt_status read_moment(const cfg_document *doc, const cfg_node *n, take_moment *out,
                             lt_error *err)
{
    if (n->kind != CFG_NODE_SCALAR || !take_moment_read(n->text, out))
        return film_fail_kind(doc, n, "a time such as 12s, 1:05 or 96f", err);
    return LT_OK;
}

/* "2s-8s": two moments, the second after the first. */
static lt_status read_span(const cfg_document *doc, const cfg_node *n, take_moment *begin,
                           take_moment *end, lt_error *err)
{
    static const char expected[] = "a span such as 2s-8s or 16f-64f";
    const char *dash = n->kind == CFG_NODE_SCALAR ? strchr(n->text, '-') : NULL;
    char *first = dash ? strndup(n->text, (size_t)(dash - n->text)) : NULL;
    if (dash && !first)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", doc->place);
    const bool read = dash && take_moment_read(first, begin) && take_moment_read(dash + 1, end);
    free(first);
    if (!read || begin->in_frames != end->in_frames)
        return film_fail_kind(doc, n, expected, err);
    if (end->value <= begin->value)
        return cfg_node_fail(doc, n, err, "'%s' is '%s', expected an end after the beginning",
                             n->key, n->text);
    return LT_OK;
}

/* ---- take ---- */

/* "frames: 240" */
static lt_status read_frames(const cfg_document *doc, const cfg_node *n, take_moment *out,
                             lt_error *err)
{
    *out = (take_moment){.in_frames = true};
    if (n->kind != CFG_NODE_SCALAR || !lt_parse_decimal(n->text, &out->value) ||
        !(out->value > 0 && out->value < 1e9) || out->value != floor(out->value))
        return film_fail_kind(doc, n, "a whole number above 0", err);
    return LT_OK;
}

/* "frames" is a whole number, "seconds" any time but in frames, "length" any. */
static lt_status read_length(longtake_film *f, const cfg_node *n, lt_error *err)
{
    const cfg_document *doc = f->document;
    if (f->length)
        return cfg_node_key_fail(doc, n, err, "'%s' and '%s': found both, expected one",
                                 f->length->key, n->key);
    f->length = n;
    if (strcmp(n->key, "frames") == 0)
        return read_frames(doc, n, &f->length_moment, err);
    LT_TRY(read_moment(doc, n, &f->length_moment, err));
    if (f->length_moment.in_frames && strcmp(n->key, "seconds") == 0)
        return film_fail_kind(doc, n, "seconds", err);
    return f->length_moment.value > 0 ? LT_OK : film_fail_kind(doc, n, "a length above 0", err);
}

static lt_status read_take(longtake_film *f, const cfg_node *take, lt_error *err)
{
    static const char *const own[] = {"model", "seconds", "frames", "length", NULL};
    const cfg_document *doc = f->document;
    if (take->kind != CFG_NODE_MAP)
        return film_fail_kind(doc, take, "a map", err);
    for (const cfg_node *n = take->first; n; n = n->next) {
        bool known = false;
        LT_TRY(film_setting(doc, n, &f->settings, &known, err));
        if (known)
            continue;
        if (strcmp(n->key, "model") == 0)
            LT_TRY(read_text(doc, n, &f->model, err));
        else if (strcmp(n->key, "seconds") == 0 || strcmp(n->key, "frames") == 0 ||
                 strcmp(n->key, "length") == 0)
            LT_TRY(read_length(f, n, err));
        else
            return film_unknown_setting(doc, n, own, "'take'", err);
    }
    return LT_OK;
}

/* ---- shots ---- */

/* The file of a plan: it must be there. */
static lt_status find_plan(const cfg_document *doc, const cfg_node *n, char **path, lt_error *err)
{
    const char *name = "";
    LT_TRY(read_text(doc, n, &name, err));
    LT_TRY(lt_path_beside(doc->place, name, path, err));
    if (access(*path, R_OK) != 0)
        return cfg_node_fail(doc, n, err, "'plan': %s: %s", *path, strerror(errno));
    return LT_OK;
}

static lt_status read_shot(longtake_film *f, const cfg_node *node, lt_error *err)
{
    static const char *const own[] = {"at", "prompt", "plan", "span", NULL};
    const cfg_document *doc = f->document;
    /* counted at once: what it owns is freed with the film */
    film_shot *shot = &f->shot[f->shots++];
    *shot = (film_shot){
        .motion = -1, .seed = -1, .lm_cfg = -1, .shot_cfg = -1, .cfg_scale = -1, .at_node = node};
    if (node->kind != CFG_NODE_MAP)
        return cfg_node_fail(doc, node, err, "shot %zu is %s, expected a map", f->shots - 1,
                             cfg_node_kind_name(node));
    for (const cfg_node *n = node->first; n; n = n->next) {
        bool known = false;
        LT_TRY(film_shot_setting(doc, n, shot, &known, err));
        if (known)
            continue;
        if (strcmp(n->key, "prompt") == 0) {
            LT_TRY(read_text(doc, n, &shot->prompt, err));
        } else if (strcmp(n->key, "at") == 0) {
            LT_TRY(read_moment(doc, n, &shot->at, err));
            shot->at_node = n;
        } else if (strcmp(n->key, "plan") == 0) {
            shot->plan = n;
            LT_TRY(find_plan(doc, n, &shot->plan_path, err));
        } else if (strcmp(n->key, "span") == 0) {
            shot->span = n;
            LT_TRY(read_span(doc, n, &shot->span_begin, &shot->span_end, err));
        } else {
            return film_unknown_shot_setting(doc, n, own, err);
        }
    }
    return LT_OK;
}

/* What keys of a shot say of each other. */
static lt_status check_shot(const longtake_film *f, size_t index, const cfg_node *node,
                            lt_error *err)
{
    const cfg_document *doc = f->document;
    const film_shot *shot = &f->shot[index];
    if (!shot->prompt)
        return cfg_node_fail(doc, node, err, "shot %zu has no 'prompt'", index);
    if (shot->at_node == node && index > 0)
        return cfg_node_fail(doc, node, err,
                             "shot %zu has no 'at', expected a time such as 12s, 1:05 or 96f",
                             index);
    if (index == 0 && shot->at.value > 0)
        return cfg_node_fail(doc, shot->at_node, err, "the first shot begins at '%s', expected 0s",
                             shot->at_node->text);
    if (index == 0 && shot->shot_cfg >= 0)
        return cfg_node_fail(
            doc, node, err, "the first shot has a 'shot_cfg', expected none: no shot is before it");
    if (shot->span && !shot->plan)
        return cfg_node_fail(doc, shot->span, err,
                             "shot %zu has a 'span' and no 'plan', expected both", index);
    return LT_OK;
}

static lt_status read_shots(longtake_film *f, const cfg_node *list, lt_error *err)
{
    if (list->kind == CFG_NODE_LIST && list->count == 0)
        return cfg_node_fail(f->document, list, err,
                             "'shots' is an empty list, expected at least one shot");
    if (list->kind != CFG_NODE_LIST)
        return film_fail_kind(f->document, list, "a list of shots", err);
    f->shot = calloc((size_t)list->count, sizeof *f->shot);
    f->plan = calloc((size_t)list->count, sizeof *f->plan);
    if (!f->shot || !f->plan)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", f->document->place);
    for (const cfg_node *n = list->first; n; n = n->next) {
        LT_TRY(read_shot(f, n, err));
        LT_TRY(check_shot(f, f->shots - 1, n, err));
    }
    return LT_OK;
}

static lt_status read_film(longtake_film *f, lt_error *err)
{
    static const char *const own[] = {"take", "shots", NULL};
    const cfg_document *doc = f->document;
    if (doc->root->kind != CFG_NODE_MAP)
        return cfg_node_fail(doc, doc->root, err,
                             "found %s, expected a map with 'take' and 'shots'",
                             cfg_node_kind_name(doc->root));
    for (const cfg_node *n = doc->root->first; n; n = n->next) {
        if (strcmp(n->key, "take") == 0)
            LT_TRY(read_take(f, n, err));
        else if (strcmp(n->key, "shots") == 0)
            LT_TRY(read_shots(f, n, err));
        else
            return film_unknown_key(doc, n, own, err);
    }
    if (f->shots == 0)
        return cfg_node_fail(doc, doc->root, err, "found no 'shots', expected a list of shots");
    return LT_OK;
}

/* Takes over `document`. */
static lt_status film_of(cfg_document *document, longtake_film **out, lt_error *err)
{
    longtake_film *f = calloc(1, sizeof *f);
    if (!f) {
        cfg_document_close(document);
        return lt_fail(err, LT_ERR_RESOURCES, "film: out of memory");
    }
    longtake_request unset;
    longtake_request_init(&unset);
    f->document = document;
    f->settings = unset.settings;
    const lt_status s = read_film(f, err);
    if (s != LT_OK) {
        film_close(f);
        return s;
    }
    *out = f;
    return LT_OK;
}

lt_status film_read(const char *path, longtake_film **out, lt_error *err)
{
    *out = NULL;
    cfg_document *document = NULL;
    LT_TRY(cfg_yaml_read(path, &document, err));
    return film_of(document, out, err);
}

lt_status film_parse(const char *text, size_t bytes, const char *place, longtake_film **out,
                     lt_error *err)
{
    *out = NULL;
    cfg_document *document = NULL;
    LT_TRY(cfg_yaml_parse(text, bytes, place, &document, err));
    return film_of(document, out, err);
}

void film_close(longtake_film *f)
{
    if (!f)
        return;
    cfg_document_close(f->document);
    for (size_t i = 0; i < f->shots; i++)
        free(f->shot[i].plan_path);
    free(f->shot);
    free(f->plan);
    free(f);
}

/* ---- film -> request ---- */

/* Frames of the take as the request or the film says; 0: neither does. */
static int64_t length_of(const longtake_film *f, double fps, const longtake_settings *g)
{
    if (g->frames >= 0)
        return g->frames;
    if (g->seconds >= 0)
        return take_moment_frame((take_moment){.value = g->seconds}, fps);
    if (g->semantic_frames >= 0)
        return 0;
    return f->length ? take_moment_frame(f->length_moment, fps) : 0;
}

static double seconds_of(take_moment m, double fps)
{
    return m.in_frames ? m.value / fps : m.value;
}

static lt_status place_shots(longtake_film *f, double fps, int64_t frames, lt_error *err)
{
    for (size_t i = 0; i < f->shots; i++) {
        const film_shot *s = &f->shot[i];
        const int64_t at = take_moment_frame(s->at, fps);
        if (i > 0 && at <= f->plan[i - 1].at_frame)
            return cfg_node_fail(
                f->document, s->at_node, err,
                "shot %zu begins at frame %lld, expected after frame %lld of the shot before", i,
                (long long)at, (long long)f->plan[i - 1].at_frame);
        if (frames > 0 && at >= frames)
            return cfg_node_fail(f->document, s->at_node, err,
                                 "shot %zu begins at frame %lld, the take has %lld frames", i,
                                 (long long)at, (long long)frames);
        f->plan[i] = (longtake_shot){.at_frame = at,
                                     .prompt = s->prompt,
                                     .motion = s->motion,
                                     .seed = s->seed,
                                     .lm_cfg = s->lm_cfg,
                                     .shot_cfg = s->shot_cfg,
                                     .cfg_scale = s->cfg_scale,
                                     .plan = s->plan_path,
                                     .plan_from_seconds = seconds_of(s->span_begin, fps),
                                     .plan_seconds = seconds_of(s->span_end, fps) -
                                                     seconds_of(s->span_begin, fps)};
    }
    return LT_OK;
}

lt_status film_apply(longtake_film *f, double fps, longtake_request *r, lt_error *err)
{
    longtake_settings *g = &r->settings;
    if (r->prompt || r->shot_count > 0)
        return lt_fail(err, LT_ERR_USAGE, "%s: found a prompt beside the film, expected none",
                       f->document->place);
    const int64_t frames = length_of(f, fps, g);
    LT_TRY(place_shots(f, fps, frames, err));
    if (g->seconds < 0 && g->frames < 0 && g->semantic_frames < 0 && f->length) {
        if (frames < 1)
            return film_fail_kind(f->document, f->length, "at least one frame", err);
        g->frames = frames;
    }
    take_settings_fill(&f->settings, g);
    r->shots = f->plan;
    r->shot_count = f->shots;
    return LT_OK;
}
