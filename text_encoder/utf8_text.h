/* utf8_text.h - one character at a time. */
#ifndef TEXT_UTF8_TEXT_H
#define TEXT_UTF8_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed character at the start of `text`: 1 to 4, or 0 when there is none
 * (overlong forms, surrogates and values above U+10FFFF are not well-formed). `code` may be
 * NULL. */
size_t text_utf8_char(const char *text, size_t bytes, uint32_t *code);
/* What Python calls white space. */
bool text_is_space(uint32_t code);

#endif
