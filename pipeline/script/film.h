/* film.h - a take written down: length, seed, settings, and what is seen when.
 *
 *     take: {seconds: 30, seed: 7, model: mini}
 *     shots:
 *       - {at: 0s,  prompt: "a red ball rolls along a beach at noon"}
 *       - {at: 12s, prompt: "a red ball rolls along a beach at sunset", motion: 0.3}
 *       - {at: 24s, prompt: "a red ball rests at night", plan: night.mp4, span: 2s-8s}
 *
 * What a shot's prompt says happens later is spread over the shot, as a take's over the take
 * (pipeline.events). A shot may have its own motion, seed, lm_cfg, shot_cfg and cfg_scale. Its plan
 * is a token file's or a video's, named from where the film lies, or a part of it; else the
 * language model's.
 *
 * Reading checks everything that can be checked without a model: keys, kinds, ranges. Where shots
 * begin in frames, and whether they lie inside the take, is known with a model's frame rate
 * (film_apply); so are spans in frames of a video, whose own rate counts, and whether a plan's file
 * is as long as its span (film_request.c). Every message says file:line:column.
 */
#ifndef TAKE_FILM_H
#define TAKE_FILM_H

#include "configs/config_node.h"
#include "longtake.h"
#include "pipeline/script/take_moment.h"

typedef struct {
    take_moment at;
    const cfg_node *at_node; /* for messages; the shot's own where `at` is left out */
    const char *prompt;
    double motion; /* like the rest: below zero where it is left out */
    int64_t seed;
    double lm_cfg;
    double shot_cfg;
    double cfg_scale;
    const cfg_node *plan; /* NULL: left out, like: */
    const cfg_node *span;
    take_moment span_begin;
    take_moment span_end;
    char *plan_path; /* owned */
} film_shot;

struct longtake_film {
    cfg_document *document; /* texts below are borrowed from it */
    const char *model;      /* NULL: not said */
    const cfg_node *length; /* NULL: not said */
    take_moment length_moment;
    longtake_settings settings; /* without the length */
    film_shot *shot;
    size_t shots;
    longtake_shot *plan; /* [shots], made by film_apply */
};

/* LT_ERR_INPUT. */
lt_status film_read(const char *path, longtake_film **out, lt_error *err);
lt_status film_parse(const char *text, size_t bytes, const char *place, longtake_film **out,
                     lt_error *err);
void film_close(longtake_film *f); /* accepts NULL */

/* Fills what the request leaves unset, at `fps` frames a second; so are spans in frames, which
 * longtake_film_apply puts right for videos of another rate. The request then points into the film.
 */
lt_status film_apply(longtake_film *f, double fps, longtake_request *r, lt_error *err);

#endif
