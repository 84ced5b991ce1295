/* utf8.h - is a text fit to be a name: well-formed UTF-8 without control characters? */
#ifndef LT_UTF8_H
#define LT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool lt_is_printable_utf8(const char *text, size_t bytes);

#endif
