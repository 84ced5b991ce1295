/* prompt_wording.h - how a small model's prompts are worded: `wording.txt` of its folder.
 *
 *     # other words for what the model knows
 *     ball ~ orb, globe
 *
 *     # a kind of words, of which one holds at a time; an empty line ends it
 *     = starts _, begins _
 *     bounces|bouncing, hops|hopping
 *     rests|resting = stops, comes to rest
 *     - falling snow
 *
 *     +
 *     > 2
 *     at noon, on a sunny day = the day gets bright
 *     at dusk = the sun sets
 *     at night, by night = night falls
 *
 * A line of a kind has the words for one state, and behind `=` the events that lead to it. Said are the first of them, in the form (`|`) of
 * what they take the place of. A line that begins with `=`: how events name a state of the kind, `_` being its words. `-`: words in which none
 * of the kind are meant. `+`: a prompt that has none of the kind gets them at its end. `> 2`: states of the kind come one after the other as their
 * lines do, and the first again after the last; an event goes through those between, two seconds each.
 */
#ifndef TAKE_PROMPT_WORDING_H
#define TAKE_PROMPT_WORDING_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/core/status.h"

typedef struct take_wording take_wording;

/* `place`: the file's name, for messages. LT_ERR_INPUT with the line, LT_ERR_RESOURCES. */
lt_status take_wording_parse(const char *text, const char *place, take_wording **out, lt_error *err);
void take_wording_close(take_wording *w);

/* `prompt` in words that the model knows. *out: NULL where it has no others; free() it. `told` [told_bytes, at least 8]: `"orb" is "ball", ...`, each change once. LT_ERR_RESOURCES. */
lt_status take_prompt_reworded(const take_wording *w, const char *prompt, char **out, char *told, size_t told_bytes, lt_error *err);

/* What a prompt says when some of its events have begun. */
typedef struct {
    char *text;             /* free() it */
    int restated;           /* how many of them became states */
    int between;            /* states that the last of them goes through before it comes to its own; 0: it is there at once */
    double between_seconds; /* of each of these */
} take_prompt_state;

/* What `prompt` says when the first `begun` of its `events` (`end` as take_prompt_events gives it) have happened: "a red ball at noon,
 * then night falls" becomes "a red ball at night", or, with `left` > 0, what it says so many states before the last of them is there: "a red ball at
 * dusk". Parts of an event that lead to no listed state stay in the text, and so does the whole of one where `w` is NULL. LT_ERR_RESOURCES. */
lt_status take_prompt_begun(const take_wording *w, const char *prompt, const size_t *end, int events, int begun, int left,
                            take_prompt_state *out, lt_error *err);

#endif
