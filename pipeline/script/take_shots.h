/* take_shots.h - a request's prompts and shots -> the shots of a take: in the model's words, what a
 * prompt says happens later as a shot of its own; and which shot holds when. */
#ifndef TAKE_TAKE_SHOTS_H
#define TAKE_TAKE_SHOTS_H

#include "pipeline/take_spec.h"

/* Fills the shots of a spec whose length, seed and sampling are there; `words`, `needs` as in
 * take_spec_resolve. The prompt of a whole take, or none, is one shot. LT_ERR_USAGE with the shot's
 * number. */
lt_status take_shots_resolve(const longtake_request *r, const cfg_model *cfg,
                             const take_wording *words, int needs, take_spec *s, lt_error *err);
void take_shots_clear(take_spec *s);

/* Was a prompt given? */
bool take_spec_has_prompt(const take_spec *s);
/* None was, and the input `path` holds none either. */
lt_status take_fail_no_prompt(const char *path, lt_error *err);

/* The take begins with what a reference shows: without a prompt of its own it goes on with
 * `prompt`; with another one that is a shot from frame `at_frame` on, behind one of the
 * reference. */
lt_status take_spec_go_on_from(take_spec *s, const take_wording *words, const char *prompt,
                               int64_t at_frame, lt_error *err);

/* The shot that holds in the plan of segment `segment`, and in window `window`. */
int take_shot_of_segment(const take_spec *s, int64_t segment);
int take_shot_of_window(const take_spec *s, int64_t window);

/* The guidance to open the language model with: that of a guided shot, where there is one. */
double take_opening_lm_cfg(const take_spec *s);
/* Does the change to some shot lean towards it? */
bool take_leans(const take_spec *s);

#endif
