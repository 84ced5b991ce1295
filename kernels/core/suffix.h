/* suffix.h - how a name ends. */
#ifndef LT_SUFFIX_H
#define LT_SUFFIX_H

#include <stdbool.h>
#include <string.h>

static inline bool lt_has_suffix(const char *text, const char *suffix)
{
    const size_t bytes = strlen(text);
    const size_t last = strlen(suffix);
    return bytes >= last && memcmp(text + bytes - last, suffix, last) == 0;
}

#endif
