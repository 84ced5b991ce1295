#include "pipeline/script/prompt_events.h"

#include <string.h>
#include <strings.h>

enum { THEN = 4 /* letters */ };

static size_t word_begin(const char *text, size_t end)
{
    while (end > 0 && take_is_word(text[end - 1]))
        end--;
    return end;
}

/* Length of text[0 .. end) without what is between words at its end. */
static size_t words_end(const char *text, size_t end)
{
    while (end > 0 && !take_is_word(text[end - 1]))
        end--;
    return end;
}

/* Whether text[0 .. end) ends with the word. */
static bool ends_with(const char *text, size_t end, const char *word)
{
    const size_t begin = word_begin(text, end);
    return end - begin == strlen(word) && strncasecmp(text + begin, word, end - begin) == 0;
}

/* "until then", "now and then": no event. `end`: of the last word before the `then` at `at`. */
static bool is_a_time(const char *text, size_t end, size_t at)
{
    static const char *const before[] = {"until", "till",   "by",   "since",
                                         "from",  "before", "even", "now"};
    if (strcspn(text + end, ",.;:!?") < at - end)
        return false;
    const size_t last = ends_with(text, end, "and") ? words_end(text, end - 3) : end;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (ends_with(text, last, before[i]))
            return true;
    return false;
}

/* Where what stands before a `then` at `at` ends; 0: nothing does, or it is no event. */
static size_t told_before(const char *text, size_t at)
{
    const size_t end = words_end(text, at);
    if (end == 0 || is_a_time(text, end, at))
        return 0;
    return ends_with(text, end, "and") ? words_end(text, end - 3) : end;
}

int take_prompt_events(const char *prompt, size_t end[TAKE_MAX_EVENTS])
{
    const size_t length = words_end(prompt, strlen(prompt));
    int count = 0;
    size_t told = 0; /* what stands before it is told already */
    for (size_t at = 0; at + THEN < length && count < TAKE_MAX_EVENTS; at++) {
        if (strncasecmp(prompt + at, "then", THEN) != 0 || take_is_word(prompt[at + THEN]) ||
            word_begin(prompt, at) != at)
            continue;
        const size_t before = told_before(prompt, at);
        if (before > told)
            end[count++] = before;
        told = at + THEN;
    }
    return count;
}
