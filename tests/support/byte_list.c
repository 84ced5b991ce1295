/* byte_list.c - see byte_list.h. */
#include "tests/support/byte_list.h"

#include <stdlib.h>
#include <string.h>

void bytes_put(byte_list *b, const void *data, size_t bytes)
{
    if (b->bytes + bytes > b->capacity) {
        b->capacity = 2 * (b->bytes + bytes) + 256;
        b->data = realloc(b->data, b->capacity);
        if (!b->data)
            abort();
    }
    if (bytes > 0)
        memcpy(b->data + b->bytes, data, bytes);
    b->bytes += bytes;
}

void bytes_text(byte_list *b, const char *text)
{
    bytes_put(b, text, strlen(text));
}

void bytes_number(byte_list *b, int width, uint64_t value)
{
    const uint8_t zeros[8] = {0};
    bytes_put(b, zeros, (size_t)width);
    bytes_set(b, b->bytes - (size_t)width, width, value);
}

void bytes_set(byte_list *b, size_t at, int width, uint64_t value)
{
    for (int i = 0; i < width; i++)
        b->data[at + (size_t)i] = (uint8_t)(value >> (8 * i));
}

void bytes_close(byte_list *b)
{
    free(b->data);
    *b = (byte_list){0};
}
