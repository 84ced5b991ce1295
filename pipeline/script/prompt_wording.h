/* prompt_wording.h - a prompt in a model's own words, what of it the networks are told, and what it
 * says when its events have begun. */
#ifndef TAKE_PROMPT_WORDING_H
#define TAKE_PROMPT_WORDING_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/core/status.h"

typedef struct take_wording take_wording; /* wording_list.h */

/* `prompt` in words that the model knows, verbs as one thing does them. *out: NULL where it has no
 * others; free() it. `told` [told_bytes, at least 8]: `"orb" as "ball", ...`, each change once.
 * LT_ERR_RESOURCES. */
lt_status take_prompt_reworded(const take_wording *w, const char *prompt, char **out, char *told,
                               size_t told_bytes, lt_error *err);

/* `prompt` of a take that nothing is seen before, with what is usual (`?` in the list) of the kinds
 * of which it says nothing up to its first event, behind that part. *out: NULL where nothing is
 * added; free() it. LT_ERR_RESOURCES. */
lt_status take_prompt_with_usual(const take_wording *w, const char *prompt, char **out,
                                 lt_error *err);

/* What networks are told of a prompt: where there are words for it in small letters, of each kind
 * of things one, and for the `plan`, which the language model makes, not what refinement alone
 * paints. free() *out. LT_ERR_RESOURCES. */
lt_status take_prompt_told(const take_wording *w, const char *prompt, bool plan, char **out,
                           lt_error *err);

/* Appends words of a prompt of which but one can hold, as `"ball" and "cube", "red" and "blue"`, to
 * the text `said` [bytes, at least 8], each pair once. LT_ERR_RESOURCES. */
lt_status take_prompt_too_many(const take_wording *w, const char *prompt, char *said, size_t bytes,
                               lt_error *err);

/* What a prompt says when some of its events have begun. */
typedef struct {
    char *text;   /* free() it */
    int restated; /* how many of them became states */
    int between;  /* states that the last of them goes through before it comes to its own; 0: it is
                     there at once */
    double between_seconds; /* of each of these */
} take_prompt_state;

/* What `prompt` says when the first `begun` of its `events` (`end` as take_prompt_events gives it)
 * have happened: "a red ball at noon, then night falls" becomes "a red ball at night", or, with
 * `left` > 0, what it says so many states before the last of them is there: "a red ball at dusk".
 * Parts of an event that lead to no listed state stay in the text, and so does the whole of one
 * where `w` is NULL. LT_ERR_RESOURCES. */
lt_status take_prompt_begun(const take_wording *w, const char *prompt, const size_t *end,
                            int events, int begun, int left, take_prompt_state *out, lt_error *err);

/* What `prompt` says when it goes on from pictures of `before`. One that names no thing but changes
 * those that are there is `before` with these changes: "it turns blue" after "a red ball at noon"
 * is "a blue ball at noon", "at night" is "a red ball at night". Any other gets what it leaves open
 * of the kinds that are added to prompts without words of them, since nothing says that the place
 * or the light has changed where only the colour has: "a blue ball rests" is "a blue ball rests, at
 * noon". *out: NULL where nothing is to be changed; free() it. LT_ERR_RESOURCES. */
lt_status take_prompt_going_on(const take_wording *w, const char *before, const char *prompt,
                               char **out, lt_error *err);

#endif
