#include "tests/support/toy_spiece.h"

#include <assert.h>
#include <string.h>

static const uint32_t unused_unit = 0x80000001; /* no byte has this label */

static void put(toy_spiece *m, const void *bytes, size_t count)
{
    assert(m->count + count <= TOY_BYTES);
    memcpy(m->bytes + m->count, bytes, count);
    m->count += count;
}

void toy_spiece_varint(toy_spiece *m, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put(m, &(unsigned char){(unsigned char)(value | 0x80)}, 1);
    put(m, &(unsigned char){(unsigned char)value}, 1);
}

void toy_spiece_field(toy_spiece *m, int number, const void *bytes, size_t count)
{
    toy_spiece_varint(m, (uint64_t)number << 3 | 2);
    toy_spiece_varint(m, count);
    put(m, bytes, count);
}

void toy_spiece_piece_of_type(toy_spiece *m, const char *text, float score, int type)
{
    unsigned char body[128];
    const size_t length = strlen(text);
    assert(length < 100);
    size_t n = 0;
    body[n++] = 1 << 3 | 2;
    body[n++] = (unsigned char)length;
    memcpy(body + n, text, length);
    n += length;
    body[n++] = 2 << 3 | 5;
    memcpy(body + n, &score, 4);
    n += 4;
    body[n++] = 3 << 3;
    body[n++] = (unsigned char)type;
    toy_spiece_field(m, 1, body, n);
}

void toy_spiece_piece(toy_spiece *m, const char *text, float score)
{
    toy_spiece_piece_of_type(m, text, score, 1);
}

void toy_spiece_begin(toy_spiece *m)
{
    m->count = 0;
    m->nodes = 0;
    m->string_bytes = 0;
    for (size_t i = 0; i < sizeof m->units / sizeof m->units[0]; i++)
        m->units[i] = unused_unit;
    toy_spiece_piece_of_type(m, "<pad>", 0, 3);
    toy_spiece_piece_of_type(m, "</s>", 0, 3);
    toy_spiece_piece_of_type(m, "<unk>", 0, 2);
}

/* Block 0 holds the root unit alone; it points to block 1, the root's children. */
static void start_trie(toy_spiece *m)
{
    m->nodes = 2;
    m->units[0] = (uint32_t)TOY_BLOCK << 10;
}

/* The block of the children of the unit at `at`, which is made when it is not there. */
static size_t children_of(toy_spiece *m, size_t at, unsigned char label)
{
    if (m->units[at] == unused_unit) {
        assert(m->nodes < TOY_NODES);
        const size_t block = (size_t)m->nodes++ * TOY_BLOCK;
        m->units[at] = (uint32_t)(at ^ block) << 10 | label;
    }
    return at ^ (m->units[at] >> 10);
}

void toy_spiece_rule(toy_spiece *m, const char *from, const char *to)
{
    if (m->nodes == 0)
        start_trie(m);
    size_t block = TOY_BLOCK;
    size_t at = 0;
    for (const char *p = from; *p != '\0'; p++) {
        at = block ^ (unsigned char)*p;
        block = children_of(m, at, (unsigned char)*p);
    }
    m->units[at] |= 1u << 8; /* a rule ends here */
    m->units[block] = 0x80000000u | (uint32_t)m->string_bytes;
    assert(m->string_bytes + strlen(to) < sizeof m->strings);
    memcpy(m->strings + m->string_bytes, to, strlen(to) + 1);
    m->string_bytes += strlen(to) + 1;
}

void toy_spiece_end(toy_spiece *m)
{
    static unsigned char map[TOY_BYTES];
    static unsigned char normalizer[TOY_BYTES];
    if (m->nodes == 0)
        return;
    const uint32_t trie = (uint32_t)m->nodes * TOY_BLOCK * 4;
    assert(trie + m->string_bytes + 64 < TOY_BYTES);
    size_t n = 0;
    for (int i = 0; i < 4; i++)
        map[n++] = (unsigned char)(trie >> 8 * i);
    for (size_t unit = 0; unit < trie / 4; unit++)
        for (int i = 0; i < 4; i++)
            map[n++] = (unsigned char)(m->units[unit] >> 8 * i);
    memcpy(map + n, m->strings, m->string_bytes);
    n += m->string_bytes;

    size_t k = 0;
    normalizer[k++] = 2 << 3 | 2;
    for (size_t left = n;; left >>= 7) {
        normalizer[k++] = (unsigned char)(left >= 0x80 ? left | 0x80 : left);
        if (left < 0x80)
            break;
    }
    memcpy(normalizer + k, map, n);
    toy_spiece_field(m, 3, normalizer, k + n);
}
