#include "kernels/core/utf8.h"
#include "text_encoder/piece_normalizer.h"

#include <stdlib.h>
#include <string.h>

/* The real map's largest growth is elevenfold (a ligature of three bytes
 * that stands for a sentence). */
enum { LARGEST_GROWTH = 32, LARGEST_START = 64 };

enum { LONGEST_RULE = 256 }; /* bytes of what a rule replaces, and of what it puts there */

const char piece_word_mark[PIECE_WORD_MARK_BYTES + 1] = "\xE2\x96\x81";
static const char replacement_character[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* What the input begins with, and what stands for it. */
typedef struct {
    size_t consumed;
    const char *yield;
    size_t yield_bytes;
} prefix_step;

/* One unit of the double array: a label, an offset to its children, a flag for "a rule ends here";
 * or the rule's value. */
static bool unit_at(const piece_char_map *map, size_t index, uint32_t *unit)
{
    if (index >= map->unit_count)
        return false;
    const unsigned char *p = map->units + 4 * index;
    *unit = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return true;
}

static size_t unit_offset(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 0x200) >> 6);
}

static uint32_t unit_label(uint32_t unit)
{
    return unit & 0x800000FFu; /* a value has the top bit set and is no label of any byte */
}

static bool unit_has_leaf(uint32_t unit)
{
    return (unit >> 8 & 1) != 0;
}

/* The longest rule that `text` begins with: its length (0: none) and where its replacement is.
 * False: the trie is damaged, which it is too where it goes on and on. */
static bool longest_rule(const piece_char_map *map, const char *text, size_t bytes, size_t *length,
                         size_t *string)
{
    uint32_t unit;
    *length = 0;
    *string = 0;
    if (!unit_at(map, 0, &unit))
        return map->unit_count == 0;
    size_t at = unit_offset(unit);
    for (size_t i = 0; i < bytes; i++) {
        if (i == LONGEST_RULE)
            return false;
        const unsigned char byte = (unsigned char)text[i];
        at ^= byte;
        if (!unit_at(map, at, &unit))
            return false;
        if (unit_label(unit) != byte)
            return true;
        at ^= unit_offset(unit);
        if (!unit_has_leaf(unit))
            continue;
        if (!unit_at(map, at, &unit) || (unit & 0x7FFFFFFFu) >= map->string_bytes)
            return false;
        *length = i + 1;
        *string = unit & 0x7FFFFFFFu;
    }
    return true;
}

static lt_status damaged(lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "SentencePiece model: precompiled_charsmap is damaged");
}

/* The step at the start of `text`, which has at least one byte. It takes a time that does not
 * depend on the model. */
static lt_status next_step(const piece_model *m, const char *text, size_t bytes, prefix_step *out,
                           lt_error *err)
{
    size_t length;
    size_t string;
    *out = (prefix_step){0};
    if (!longest_rule(&m->char_map, text, bytes, &length, &string))
        return damaged(err);
    const size_t character = lt_utf8_char(text, bytes, NULL);
    if (length > 0) {
        /* terminated: the last byte of all strings is a NUL */
        const char *yield = m->char_map.strings + string;
        *out = (prefix_step){length, yield, strnlen(yield, LONGEST_RULE + 1)};
        if (out->yield_bytes > LONGEST_RULE)
            return damaged(err);
    } else if (character > 0) {
        *out = (prefix_step){character, text, character};
    } else {
        *out = (prefix_step){1, replacement_character, sizeof replacement_character - 1};
    }
    return LT_OK;
}

/* Room for `more` bytes and the origin of the end. */
static lt_status make_room(normalized_text *t, size_t more, lt_error *err)
{
    const size_t needed = t->bytes + more + 1;
    if (needed <= t->capacity)
        return LT_OK;
    if (needed > t->limit)
        return lt_fail(err, LT_ERR_INPUT,
                       "text: grows more than %d times under the model's character map",
                       LARGEST_GROWTH);
    const size_t capacity = needed > 2 * t->capacity ? needed + 64 : 2 * t->capacity;
    char *text = realloc(t->text, capacity);
    if (text != NULL)
        t->text = text;
    size_t *origin = realloc(t->origin, capacity * sizeof *origin);
    if (origin != NULL)
        t->origin = origin;
    if (text == NULL || origin == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "text: out of memory");
    t->capacity = capacity;
    return LT_OK;
}

static lt_status append(normalized_text *t, const char *bytes, size_t count, size_t origin,
                        lt_error *err)
{
    LT_TRY(make_room(t, count, err));
    memcpy(t->text + t->bytes, bytes, count);
    for (size_t i = 0; i < count; i++)
        t->origin[t->bytes + i] = origin;
    t->bytes += count;
    return LT_OK;
}

/* Each space becomes a word mark. */
static lt_status append_marked(normalized_text *t, const char *bytes, size_t count, size_t origin,
                               lt_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const bool space = bytes[i] == ' ';
        LT_TRY(append(t, space ? piece_word_mark : bytes + i, space ? PIECE_WORD_MARK_BYTES : 1,
                      origin, err));
    }
    return LT_OK;
}

static void drop_last_marks(normalized_text *t)
{
    while (t->bytes >= PIECE_WORD_MARK_BYTES && memcmp(t->text + t->bytes - PIECE_WORD_MARK_BYTES,
                                                       piece_word_mark, PIECE_WORD_MARK_BYTES) == 0)
        t->bytes -= PIECE_WORD_MARK_BYTES;
}

lt_status piece_normalize(const piece_model *m, const char *text, size_t begin, size_t end,
                          normalized_text *out, lt_error *err)
{
    out->bytes = 0;
    out->limit = LARGEST_START + LARGEST_GROWTH * (end - begin);
    prefix_step s;
    size_t at = begin;
    for (; at < end; at += s.consumed) {
        LT_TRY(next_step(m, text + at, end - at, &s, err));
        if (s.yield_bytes != 1 || s.yield[0] != ' ')
            break;
    }
    if (at < end)
        LT_TRY(append(out, piece_word_mark, PIECE_WORD_MARK_BYTES, at, err));
    bool after_space = true;
    for (; at < end; at += s.consumed) {
        LT_TRY(next_step(m, text + at, end - at, &s, err));
        while (after_space && s.yield_bytes > 0 && s.yield[0] == ' ') {
            s.yield++;
            s.yield_bytes--;
        }
        if (s.yield_bytes == 0)
            continue;
        LT_TRY(append_marked(out, s.yield, s.yield_bytes, at, err));
        after_space = s.yield[s.yield_bytes - 1] == ' ';
    }
    LT_TRY(make_room(out, 0, err));
    out->origin[out->bytes] = end;
    drop_last_marks(out);
    return LT_OK;
}

void normalized_text_close(normalized_text *t)
{
    free(t->text);
    free(t->origin);
    *t = (normalized_text){0};
}
