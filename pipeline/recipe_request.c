/* recipe_request.c - recipes, and windows of a span of time, in longtake.h. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/engine.h"
#include "pipeline/recipe.h"
#include "pipeline/take_moment.h"
#include "pipeline/take_spec.h"

struct longtake_recipe {
    char *path;
    lt_json *about;
    take_recipe parts; /* of the last request */
};

static lt_status open_recipe(const char *path, longtake_recipe *r, lt_error *err)
{
    r->path = strdup(path);
    if (!r->path)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    LT_TRY(take_recipe_read(path, &r->about, err));
    if (lt_json_kind_of(r->about) == LT_JSON_OBJECT && lt_json_get(r->about, "reference"))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: went on from a video or picture that it does not hold, expected a take made anew",
                       path);
    return LT_OK;
}

longtake_status longtake_recipe_read(const char *path, longtake_recipe **recipe, longtake_error *error)
{
    lt_error err = {0};
    *recipe = NULL;
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
    take_recipe_clear(&r->parts);
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

longtake_status longtake_recipe_apply(longtake_recipe *recipe, longtake_request *r, longtake_error *error)
{
    lt_error err = {0};
    take_recipe_clear(&recipe->parts);
    return take_give_error(take_recipe_apply(recipe->about, recipe->path, r, &recipe->parts, &err), &err,
                           error);
}

longtake_status longtake_windows_between(const longtake *e, const longtake_request *r, double from_seconds,
                                         double to_seconds, int64_t *first, int64_t *last,
                                         longtake_error *error)
{
    lt_error err = {0};
    take_spec spec;
    lt_status s = take_spec_resolve(r, &e->cfg, TAKE_NEEDS_LENGTH, 0, &spec, &err);
    if (s != LT_OK)
        return take_give_error(s, &err, error);
    const double fps = e->cfg.pipeline.fps;
    const int64_t from = take_moment_frame((take_moment){.value = from_seconds}, fps);
    const int64_t to = take_moment_frame((take_moment){.value = to_seconds}, fps);
    *first = *last = -1;
    for (int64_t c = 0; c < spec.time.windows; c++) {
        const take_window w = take_window_at(&spec.time, c);
        if (w.first_frame >= to || w.first_frame + w.delivered <= from)
            continue;
        *first = *first < 0 ? c : *first;
        *last = c;
    }
    if (*first < 0)
        s = lt_fail(&err, LT_ERR_USAGE, "span: found %g s to %g s, the take has %.2f s", from_seconds,
                    to_seconds, (double)spec.time.frames / fps);
    take_spec_clear(&spec);
    return take_give_error(s, &err, error);
}
