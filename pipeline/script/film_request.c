/* film_request.c - films in longtake.h. */
#include <string.h>

#include "pipeline/clip_rate.h"
#include "pipeline/engine.h"
#include "pipeline/plan/shot_plan.h"
#include "pipeline/script/film.h"
#include "pipeline/take_spec.h"
#include "pipeline/timeline.h"

longtake_status longtake_film_read(const char *path, longtake_film **film, longtake_error *error)
{
    lt_error err = {0};
    *film = NULL;
    const lt_status s = take_need(path, "path", &err);
    return take_give_error(s == LT_OK ? film_read(path, film, &err) : s, &err, error);
}

void longtake_film_close(longtake_film *film)
{
    film_close(film);
}

const char *longtake_film_model(const longtake_film *film)
{
    return film->model;
}

int longtake_film_line(const longtake_film *film, const char *setting)
{
    const cfg_node *node = cfg_node_get(cfg_node_get(film->document->root, "take"), setting);
    return node ? node->key_line : 0;
}

/* A take whose length nobody says is one window long: its shots must begin in it. */
static lt_status check_length(const longtake_film *film, const longtake *e,
                              const longtake_settings *g, lt_error *err)
{
    const size_t last = film->shots - 1;
    const int64_t at = film->plan[last].at_frame;
    const int64_t window = take_frames_of_latents(e->cfg.mmdit.latent_frames);
    if (g->seconds >= 0 || g->frames >= 0 || g->semantic_frames >= 0 || at < window)
        return LT_OK;
    return cfg_node_fail(
        film->document, film->shot[last].at_node, err,
        "shot %zu begins at frame %lld, the take has %lld frames\nhint: 'take' says no length: it is one window",
        last, (long long)at, (long long)window);
}

/* Spans in frames of a video are in the frames that are read of it, as many a second as it has: a
 * take of ours may have another rate than the model. */
static lt_status place_spans(longtake_film *film, const longtake *e, lt_error *err)
{
    for (size_t i = 0; i < film->shots; i++) {
        const film_shot *shot = &film->shot[i];
        longtake_shot *out = &film->plan[i];
        double fps = 0;
        lt_error cause = {0};
        if (!shot->span || !shot->span_begin.in_frames || take_is_token_file(shot->plan_path))
            continue;
        const lt_status s = take_clip_fps(shot->plan_path, e->cfg.pipeline.fps, &fps, &cause);
        if (s == LT_ERR_USAGE || s == LT_ERR_INPUT)
            return cfg_node_fail(film->document, shot->plan, err, "'plan': %s", cause.message);
        if (s != LT_OK)
            return lt_fail(err, s, "%s", cause.message);
        out->plan_from_seconds = shot->span_begin.value / fps;
        out->plan_seconds = (shot->span_end.value - shot->span_begin.value) / fps;
    }
    return LT_OK;
}

/* The files that shots take their plans from. */
static lt_status check_plans(const longtake_film *film, const longtake *e, lt_error *err)
{
    for (size_t i = 0; i < film->shots; i++) {
        const film_shot *shot = &film->shot[i];
        lt_error cause = {0};
        const lt_status s = take_shot_plan_check(e, &film->plan[i], &cause);
        const cfg_node *bad = s == LT_ERR_USAGE && shot->span ? shot->span : shot->plan;
        if (s == LT_ERR_USAGE || s == LT_ERR_INPUT)
            return cfg_node_fail(film->document, bad, err, "'%s': %s", bad->key, cause.message);
        if (s != LT_OK)
            return lt_fail(err, s, "%s", cause.message);
    }
    return LT_OK;
}

/* "--top-k and --top-p: found both" -> the node of 'top_k', and what was found; the whole file
 * where no such key is in it. */
static const cfg_node *node_of_flag(const longtake_film *film, const char **message)
{
    char key[32];
    const char *colon = strchr(*message, ':');
    const size_t length = strncmp(*message, "--", 2) == 0 ? strcspn(*message + 2, ": ") : 0;
    if (length == 0 || length >= sizeof key || !colon)
        return film->document->root;
    for (size_t i = 0; i <= length; i++)
        key[i] = (char)(i == length ? '\0' : (*message)[2 + i] == '-' ? '_' : (*message)[2 + i]);
    const cfg_node *node = cfg_node_get(cfg_node_get(film->document->root, "take"), key);
    if (node)
        *message = colon + 1 + strspn(colon + 1, " ");
    return node ? node : film->document->root;
}

static lt_status resolve(const longtake_settings *g, const longtake *e, lt_error *fault)
{
    longtake_request alone;
    take_spec spec;
    longtake_request_init(&alone);
    alone.settings = *g;
    const lt_status s = take_spec_resolve(&alone, &e->cfg, e->wording, 0, 0, &spec, fault);
    take_spec_clear(&spec);
    return s;
}

/* What depends on the model, or on another setting: where the settings in force, `g`, make no sense
 * and the film's own make none either, the film is at fault; else what the request says itself. */
static lt_status check_settings(const longtake_film *film, const longtake *e,
                                const longtake_settings *g, lt_error *err)
{
    lt_error fault = {0};
    if (resolve(g, e, &fault) != LT_ERR_USAGE ||
        resolve(&film->settings, e, &fault) != LT_ERR_USAGE)
        return LT_OK;
    const char *found = fault.message;
    const cfg_node *node = node_of_flag(film, &found);
    return node->key ? cfg_node_fail(film->document, node, err, "'%s': %s", node->key, found)
                     : cfg_node_fail(film->document, node, err, "%s", found);
}

longtake_status longtake_film_apply(longtake_film *film, const longtake *e, longtake_request *r,
                                    longtake_error *error)
{
    lt_error err = {0};
    lt_status s = take_need(film, "film", &err);
    if (s == LT_OK)
        s = take_need(e, "engine", &err);
    if (s == LT_OK)
        s = take_request_check(r, &err);
    if (s == LT_OK)
        s = film_apply(film, e->cfg.pipeline.fps, r, &err);
    if (s == LT_OK)
        s = check_settings(film, e, &r->settings, &err);
    if (s == LT_OK)
        s = check_length(film, e, &r->settings, &err);
    if (s == LT_OK)
        s = place_spans(film, e, &err);
    if (s == LT_OK)
        s = check_plans(film, e, &err);
    return take_give_error(s, &err, error);
}
