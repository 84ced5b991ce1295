/* utf8.c - decoding UTF-8; see utf8.h. */
#include "kernels/core/utf8.h"

#include <string.h>

size_t lt_utf8_char(const char *text, size_t bytes, uint32_t *code)
{
    if (bytes == 0)
        return 0;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* code point of a length */
    const uint8_t lead = (uint8_t)text[0];
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xc0 ? 0
                          : lead < 0xe0 ? 2
                          : lead < 0xf0 ? 3
                          : lead < 0xf8 ? 4
                                        : 0;
    if (length == 0 || length > bytes)
        return 0;
    uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        const uint8_t next = (uint8_t)text[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (next & 0x3f);
    }
    if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    if (code)
        *code = point;
    return length;
}

void lt_make_utf8(char *text)
{
    const size_t bytes = strlen(text);
    for (size_t at = 0, length; at < bytes; at += length) {
        length = lt_utf8_char(text + at, bytes - at, NULL);
        if (length > 0)
            continue;
        text[at] = '?';
        length = 1;
    }
}

bool lt_is_printable_utf8(const char *text, size_t bytes)
{
    size_t length;
    for (size_t at = 0; at < bytes; at += length) {
        uint32_t code;
        length = lt_utf8_char(text + at, bytes - at, &code);
        if (length == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
            return false;
    }
    return true;
}
