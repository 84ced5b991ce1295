/* utf8.h - one character of UTF-8 at a time, as RFC 3629 has it: shortest forms only, no
 * surrogates, nothing above U+10FFFF. */
#ifndef LT_UTF8_H
#define LT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed character at the start of `text`, 1 to 4; 0 where there is none. `code`
 * may be NULL. */
size_t lt_utf8_char(const char *text, size_t bytes, uint32_t *code);
/* What is not well-formed becomes "?", a byte each. */
void lt_make_utf8(char *text);
/* Is a text fit to be a name: well-formed, without control characters? */
bool lt_is_printable_utf8(const char *text, size_t bytes);

#endif
