/* byte_list.h - bytes in a row, for making files by hand. Little-endian. */
#ifndef TEST_BYTE_LIST_H
#define TEST_BYTE_LIST_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *data;
    size_t bytes;
    size_t capacity;
} byte_list;

void bytes_put(byte_list *b, const void *data, size_t bytes);
void bytes_text(byte_list *b, const char *text); /* without its end */
void bytes_number(byte_list *b, int width, uint64_t value);
void bytes_set(byte_list *b, size_t at, int width, uint64_t value); /* overwrites */
void bytes_close(byte_list *b);

#endif
