/* prompt_events.h - what a prompt says happens later: "a red ball rolls, then it turns blue". */
#ifndef TAKE_PROMPT_EVENTS_H
#define TAKE_PROMPT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

enum { TAKE_MAX_EVENTS = 8 };

/* How many events the UTF-8 `prompt` tells, up to TAKE_MAX_EVENTS: each is a `then` with words
 * before and behind it, in any case, but not in "now and then", "until then" and the like. `end`[i]
 * gets the length in bytes of what stands before event i, without the comma, the `and` and the
 * spaces that lead to it. */
int take_prompt_events(const char *prompt, size_t end[TAKE_MAX_EVENTS]);

/* Of ASCII letters alone. */
static inline char take_small_letter(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Of a word: an ASCII letter or digit, - or ', or part of a longer character. */
static inline bool take_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '\'' || (unsigned char)c >= 0x80;
}

#endif
