/* film_request.c - films in longtake.h. */
#include "pipeline/engine.h"
#include "pipeline/film.h"
#include "pipeline/shot_plan.h"

longtake_status longtake_film_read(const char *path, longtake_film **film, longtake_error *error)
{
    lt_error err = {0};
    return take_give_error(film_read(path, film, &err), &err, error);
}

void longtake_film_close(longtake_film *film)
{
    film_close(film);
}

const char *longtake_film_model(const longtake_film *film)
{
    return film->model;
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

longtake_status longtake_film_apply(longtake_film *film, const longtake *e, longtake_request *r,
                                    longtake_error *error)
{
    lt_error err = {0};
    lt_status s = film_apply(film, e->cfg.pipeline.fps, r, &err);
    if (s == LT_OK)
        s = check_plans(film, e, &err);
    return take_give_error(s, &err, error);
}
