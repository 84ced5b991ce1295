/* recipe_request.c - recipes in longtake.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/engine.h"
#include "pipeline/plan/token_io.h"
#include "pipeline/script/recipe.h"
#include "pipeline/take_spec.h"

/* What a request that the recipe filled borrows, beside texts of `about`. */
typedef struct filled_parts {
    take_recipe parts;
    longtake_tokens *tokens;
    struct filled_parts *before; /* of the request before */
} filled_parts;

struct longtake_recipe {
    char *path;
    lt_json *about;
    filled_parts *filled; /* of every request: none outlives the recipe, but each may another one */
};

/* Those of one more request. */
static lt_status begin_parts(longtake_recipe *r, lt_error *err)
{
    filled_parts *parts = calloc(1, sizeof *parts);
    if (!parts)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", r->path);
    parts->before = r->filled;
    r->filled = parts;
    return LT_OK;
}

static void clear_parts(longtake_recipe *r)
{
    while (r->filled) {
        filled_parts *last = r->filled;
        r->filled = last->before;
        take_recipe_clear(&last->parts);
        longtake_tokens_close(last->tokens);
        free(last);
    }
}

static lt_status open_recipe(const char *path, longtake_recipe *r, lt_error *err)
{
    r->path = strdup(path);
    if (!r->path)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    return take_recipe_read(path, &r->about, err);
}

longtake_status longtake_recipe_read(const char *path, longtake_recipe **recipe,
                                     longtake_error *error)
{
    lt_error err = {0};
    *recipe = NULL;
    if (take_need(path, "path", &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    longtake_recipe *r = calloc(1, sizeof *r);
    const lt_status s =
        r ? open_recipe(path, r, &err) : lt_fail(&err, LT_ERR_RESOURCES, "%s: out of memory", path);
    if (s == LT_OK)
        *recipe = r;
    else
        longtake_recipe_close(r);
    return take_give_error(s, &err, error);
}

void longtake_recipe_close(longtake_recipe *r)
{
    if (!r)
        return;
    clear_parts(r);
    lt_json_free(r->about);
    free(r->path);
    free(r);
}

const char *longtake_recipe_model(const longtake_recipe *r)
{
    const lt_json *model =
        lt_json_kind_of(r->about) == LT_JSON_OBJECT ? lt_json_get(r->about, "model") : NULL;
    return model && lt_json_kind_of(model) == LT_JSON_STRING ? lt_json_string(model, NULL) : NULL;
}

/* Does the request leave open all that a plan is made of? */
static bool leaves_plan_alone(const longtake_request *r)
{
    const longtake_settings *g = &r->settings;
    return !r->prompt && r->shot_count == 0 && !r->tokens && g->seed == LONGTAKE_SEED_UNSET &&
           g->seconds < 0 && g->frames < 0 && g->semantic_frames < 0 && g->overlap < 0 &&
           g->lm_cfg < 0 && g->shot_cfg < 0 && g->temperature < 0 && g->top_k < 0 && g->top_p < 0 &&
           g->motion < 0 && g->lm_context < 0 && !g->codes;
}

static void warn(const longtake_request *r, const char *line)
{
    if (r->on_event)
        r->on_event(r->user, &(longtake_event){.kind = LONGTAKE_EVENT_WARNING,
                                               .stage = "tokens",
                                               .message = line,
                                               .eta_seconds = -1});
}

static void tell_new_plan(const longtake_recipe *recipe, const longtake_request *r)
{
    char line[512];
    snprintf(line, sizeof line, "%s was made by another model: its plan is made anew",
             recipe->path);
    warn(r, line);
}

static lt_status apply_plan(longtake_recipe *recipe, longtake *e, longtake_request *r,
                            lt_error *err)
{
    tok_plan plan = {0};
    if (!take_about_is_of(recipe->about, e)) { /* codes of another model mean something else */
        tell_new_plan(recipe, r);
        return LT_OK;
    }
    LT_TRY(take_about_plan(recipe->about, e, 0, r->settings.frames, recipe->path, &plan, err));
    LT_TRY(take_tokens_wrap(&plan, &recipe->filled->tokens, err));
    r->tokens = recipe->filled->tokens;
    return LT_OK;
}

/* A recipe counts its shots from the take's beginning, a continuation's request from the first new
 * frame; what the reference shows it says itself. */
static void count_from_new(const longtake_recipe *recipe, longtake_request *r,
                           int64_t reference_frames)
{
    longtake_shot *shot = recipe->filled->parts.shot;
    if (r->shots != shot)
        return;
    if (r->shot_count > 1 && shot[1].at_frame <= reference_frames) {
        memmove(shot, shot + 1, --r->shot_count * sizeof *shot);
        shot[0].at_frame = 0;
    }
    for (size_t i = 1; i < r->shot_count; i++)
        shot[i].at_frame -= reference_frames;
}

/* The take went on from a video, or began with a picture, that must be given again. */
static lt_status apply_reference(longtake_recipe *recipe, const longtake *e, longtake_request *r,
                                 bool keep_length, lt_error *err)
{
    const lt_json *about = recipe->about;
    const lt_json *reference =
        lt_json_kind_of(about) == LT_JSON_OBJECT ? lt_json_get(about, "reference") : NULL;
    if (!reference)
        return r->input || r->image
                   ? lt_fail(err, LT_ERR_INPUT,
                             "%s: its take went on from no video and began with no picture",
                             recipe->path)
                   : LT_OK;
    if (!r->input && !r->image)
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: went on from a video or picture that it does not hold\n"
            "hint: continue VIDEO --recipe FILE, or generate --image PICTURE --recipe FILE",
            recipe->path);
    const lt_json *frames =
        lt_json_kind_of(reference) == LT_JSON_OBJECT ? lt_json_get(reference, "frames") : NULL;
    const lt_json *hash = frames ? lt_json_get(reference, "hash") : NULL;
    const lt_json *new_only = hash ? lt_json_get(reference, "new_only") : NULL;
    if (!new_only || lt_json_kind_of(frames) != LT_JSON_INT ||
        lt_json_kind_of(hash) != LT_JSON_STRING || lt_json_kind_of(new_only) != LT_JSON_BOOL)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata: the reference is not described",
                       recipe->path);
    r->reference_hash = lt_json_string(hash, NULL);
    r->new_only = r->new_only || lt_json_bool(new_only);
    const lt_json *fps = lt_json_get(reference, "fps"); /* left out where it is the model's */
    const double rate = fps && lt_json_kind_of(fps) == LT_JSON_REAL && lt_json_real(fps) > 0
                            ? lt_json_real(fps)
                            : e->cfg.pipeline.fps;
    if (r->input && r->from_seconds < 0)
        r->from_seconds = (double)lt_json_int(frames) / rate;
    if (r->input &&
        (lt_json_int(frames) < 1 || (keep_length && r->settings.frames <= lt_json_int(frames))))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: metadata: the take has %lld frames, its reference %lld", recipe->path,
                       (long long)r->settings.frames, (long long)lt_json_int(frames));
    if (r->input && keep_length)
        r->settings.frames -= lt_json_int(frames); /* those asked for are the new ones */
    if (r->input)
        count_from_new(recipe, r, lt_json_int(frames));
    return LT_OK;
}

static lt_status apply(longtake_recipe *recipe, longtake *e, longtake_request *r, lt_error *err)
{
    const bool same_plan = leaves_plan_alone(r);
    const bool same_length =
        r->settings.seconds < 0 && r->settings.frames < 0 && r->settings.semantic_frames < 0;
    char otherwise[TAKE_OTHERWISE_BYTES];
    if (take_about_otherwise(recipe->about, e, recipe->path, otherwise))
        warn(r, otherwise);
    LT_TRY(begin_parts(recipe, err));
    LT_TRY(take_recipe_apply(recipe->about, recipe->path, r, &recipe->filled->parts, err));
    if (same_plan)
        LT_TRY(apply_plan(recipe, e, r, err));
    LT_TRY(apply_reference(recipe, e, r, same_length, err));
    int64_t frames = 0;
    LT_TRY(take_spec_length(&r->settings, &e->cfg, TAKE_NEEDS_LENGTH, 0, &frames, err));
    take_recipe_end(&recipe->filled->parts, r, frames);
    return LT_OK;
}

longtake_status longtake_recipe_apply(longtake_recipe *recipe, longtake *e, longtake_request *r,
                                      longtake_error *error)
{
    lt_error err = {0};
    lt_status s = take_need(recipe, "recipe", &err);
    if (s == LT_OK)
        s = take_request_check(r, &err);
    if (s == LT_OK)
        s = take_engine_enter(e, &err);
    if (s == LT_OK) {
        s = apply(recipe, e, r, &err);
        take_engine_leave(e);
    }
    return take_give_error(s, &err, error);
}
