/* event_words.h - what is so once an event of a prompt has happened: `events.txt` of a small model's folder.
 *
 *     # a kind of words, of which one holds at a time; an empty line ends it
 *     = starts _, begins _
 *     bounces|bouncing, hops|hopping
 *     rests|resting = stops, comes to rest
 *     - falling snow
 *
 *     +
 *     at noon, on a sunny day = the day gets bright
 *     at night, by night = night falls
 *
 * A line has the words for one state, and behind `=` the events that lead to it. Said are the first of them, in the form (`|`) of what they
 * take the place of. A line that begins with `=`: how events name a state of the kind, `_` being its words. `-`: words in which none of the
 * kind are meant. `+`: a prompt that has none of the kind gets them at its end.
 */
#ifndef TAKE_EVENT_WORDS_H
#define TAKE_EVENT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/core/status.h"

typedef struct take_event_words take_event_words;

/* `place`: the file's name, for messages. LT_ERR_INPUT with the line, LT_ERR_RESOURCES. */
lt_status take_event_words_parse(const char *text, const char *place, take_event_words **out, lt_error *err);
void take_event_words_close(take_event_words *w);

/* What `prompt` says when the first `begun` of its `events` (`end` as take_prompt_events gives it) have happened: "a red ball at noon,
 * then night falls" becomes "a red ball at night". Parts of an event that lead to no listed state stay in the text, and so does the whole of one
 * where `w` is NULL. *restated: how many events became states. free() *out. LT_ERR_RESOURCES. */
lt_status take_prompt_begun(const take_event_words *w, const char *prompt, const size_t *end, int events, int begun, char **out,
                            int *restated, lt_error *err);

#endif
