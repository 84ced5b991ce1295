/* film_request.c - films in longtake.h. */
#include "pipeline/engine.h"
#include "pipeline/film.h"

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

longtake_status longtake_film_apply(longtake_film *film, const longtake *e, longtake_request *r,
                                    longtake_error *error)
{
    lt_error err = {0};
    return take_give_error(film_apply(film, e->cfg.pipeline.fps, r, &err), &err, error);
}
