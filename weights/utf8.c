/* utf8.c - RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF. */
#include "weights/utf8.h"

#include <stdint.h>

/* Bytes of the character that `lead` begins, and the smallest code point of that length; 0 when
 * none begins so. */
static size_t length_of(uint8_t lead, uint32_t *smallest)
{
    *smallest = lead < 0x80 ? 0x20 : lead < 0xe0 ? 0x80 : lead < 0xf0 ? 0x800 : 0x10000;
    return lead < 0x80   ? 1
           : lead < 0xc0 ? 0
           : lead < 0xe0 ? 2
           : lead < 0xf0 ? 3
           : lead < 0xf8 ? 4
                         : 0;
}

bool lt_is_printable_utf8(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        const uint8_t lead = (uint8_t)text[i];
        uint32_t smallest;
        const size_t length = length_of(lead, &smallest);
        if (length == 0 || length > bytes - i)
            return false;
        uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
        for (size_t k = 1; k < length; k++) {
            const uint8_t next = (uint8_t)text[i + k];
            if ((next & 0xc0) != 0x80)
                return false;
            point = point << 6 | (next & 0x3f);
        }
        const bool control = point == 0x7f || (point >= 0x80 && point < 0xa0);
        if (point < smallest || control || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
            return false;
        i += length;
    }
    return true;
}
