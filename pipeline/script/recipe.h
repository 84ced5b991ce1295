/* recipe.h - from how a file was made (take_report.h) back to a request that makes it again. */
#ifndef TAKE_RECIPE_H
#define TAKE_RECIPE_H

#include "kernels/core/json.h"
#include "kernels/core/status.h"
#include "longtake.h"
#include "pipeline/engine.h"
#include "tokenizer/token_plan.h"

enum { TAKE_OTHERWISE_BYTES = 1024 };

/* Keeps what the request then points to. */
typedef struct {
    longtake_shot *shot;
    size_t shots;
    longtake_retake *retake; /* the file's, then the request's */
} take_recipe;

/* Fills what `r` leaves unset from the object `about`: length, prompts, seeds, settings. Strings
 * stay borrowed from `about`. LT_ERR_INPUT with `place` and the key when it is none of ours. */
lt_status take_recipe_apply(const lt_json *about, const char *place, longtake_request *r,
                            take_recipe *out, lt_error *err);
/* The same of the object `settings` alone, and its shots alone. */
lt_status take_recipe_shots(const lt_json *settings, const char *place, longtake_request *r,
                            take_recipe *out, lt_error *err);
/* Fills what `g` leaves unset of what the language model was asked with, from such an object; one
 * of numbers beyond their range is LT_ERR_INPUT. */
lt_status take_recipe_planning(const lt_json *settings, const char *place, longtake_settings *g,
                               lt_error *err);
/* A request for `frames` frames has those of the recipe's shots that begin within them. */
void take_recipe_end(const take_recipe *recipe, longtake_request *r, int64_t frames);
void take_recipe_clear(take_recipe *r);

/* True when the engine's very model made it. */
bool take_about_is_of(const lt_json *about, longtake *e);
/* Does it say another text, or hash, than this one under `key`? False also where it says none. */
bool take_about_says_other(const lt_json *about, const char *key, const char *text);
bool take_about_other_hash(const lt_json *about, const char *key, lt_hash hash);
/* True when another decoder than the engine's made its pictures, or would have;
 * false also where it does not say. */
bool take_about_other_decoder(const lt_json *about, longtake *e);
/* What else the engine has otherwise, as a warning about the file `path`
 * (and a hint); false: nothing. */
bool take_about_otherwise(const lt_json *about, longtake *e, const char *path,
                          char text[TAKE_OTHERWISE_BYTES]);
/* The plan of a file of this model. `frames`: the first so many semantic frames (LT_ERR_INPUT where
 * there are fewer); 0: all. `video_frames` as in tok_plan_make. */
lt_status take_about_plan(const lt_json *about, const longtake *e, int64_t frames,
                          int64_t video_frames, const char *place, tok_plan *out, lt_error *err);

/* Was only what was new written? Then the file's first frame is not the take's. */
bool take_about_is_new_only(const lt_json *about);
/* What the file's frame `frame` shows by its own account: the prompt of the last shot that begins
 * up to there, borrowed from `about`; NULL where it does not say, or has none: pictures. */
const char *take_about_prompt(const lt_json *about, int64_t frame);
/* The rate at which a video's frames are those of a model of `fps`: that of the file where it says
 * that a model's were put into it faster or slower, as --fps does; else `fps`. */
double take_about_rate(const lt_json *about, double fps);
/* The settings of the file's first `frames` frames, with the shots that they show; NULL where it
 * does not say, or its frames are not those of a model of `fps`. lt_json_free() it. */
lt_json *take_about_settings(const lt_json *about, double fps, int64_t frames);

/* How the video or latents file `path` was made; lt_json_free() it.
 * LT_ERR_INPUT where it does not say. */
lt_status take_recipe_read(const char *path, lt_json **about, lt_error *err);

#endif
