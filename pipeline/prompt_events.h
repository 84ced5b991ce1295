/* prompt_events.h - what a prompt says happens later: "a red ball rolls, then it turns blue". */
#ifndef TAKE_PROMPT_EVENTS_H
#define TAKE_PROMPT_EVENTS_H

#include <stddef.h>

enum { TAKE_MAX_EVENTS = 8 };

/* How many events the UTF-8 `prompt` tells, up to TAKE_MAX_EVENTS: each is a `then` with words before and behind it, in any case,
 * but not in "now and then", "until then" and the like. `end`[i] gets the length in bytes of what stands before event i, without
 * the comma, the `and` and the spaces that lead to it. */
int take_prompt_events(const char *prompt, size_t end[TAKE_MAX_EVENTS]);

#endif
