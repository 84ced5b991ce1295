#include "text_encoder/piece_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text_encoder/proto_fields.h"

enum { MAX_FILE_BYTES = 16 << 20, MAX_PIECE_BYTES = 256 };

/* Values of the field `type` of a piece. */
enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, UNUSED = 5 };

/* An unknown character costs this much more than the least likely piece. */
static const float unknown_penalty = 10;

typedef struct {
    piece_model *m;
    const char *place;
    lt_error *err;
} loading;

static lt_status refuse(const loading *l, const char *what)
{
    return lt_fail(l->err, LT_ERR_INPUT, "%s: %s", l->place, what);
}

/* A message's fields have ended: well, or because the framing is broken. */
static lt_status check_framing(const loading *l, const proto_cursor *c)
{
    if (!c->broken)
        return LT_OK;
    return lt_fail(l->err, LT_ERR_INPUT, "%s: not a SentencePiece model, broken at byte %td",
                   l->place, c->at - l->m->file);
}

/* { 1: text, 2: score, 3: type } */
static lt_status read_piece(const loading *l, const proto_field *message, int id)
{
    static const uint64_t special[] = {CONTROL, CONTROL, UNKNOWN};
    piece *p = &l->m->pieces[id];
    uint64_t type = NORMAL;
    proto_cursor c = proto_open(message->bytes, message->count);
    proto_field f;
    while (proto_next(&c, &f)) {
        if (f.number == 1 && f.wire == PROTO_BYTES) {
            p->text = f.bytes;
            p->bytes = f.count;
        } else if (f.number == 2 && f.wire == PROTO_FIXED32) {
            p->score = proto_float(&f);
        } else if (f.number == 3 && f.wire == PROTO_VARINT) {
            type = f.value;
        }
    }
    LT_TRY(check_framing(l, &c));
    if (p->bytes == 0 || !isfinite(p->score))
        return lt_fail(l->err, LT_ERR_INPUT, "%s: piece %d has %s", l->place, id,
                       p->bytes == 0 ? "no text" : "no finite score");
    if (p->bytes > MAX_PIECE_BYTES)
        return lt_fail(l->err, LT_ERR_INPUT, "%s: piece %d has %zu bytes, expected at most %d",
                       l->place, id, p->bytes, MAX_PIECE_BYTES);
    if (id <= PIECE_UNKNOWN && type != special[id])
        return lt_fail(l->err, LT_ERR_INPUT,
                       "%s: piece %d is of type %llu, expected %llu: <pad>, </s>, <unk> come first",
                       l->place, id, (unsigned long long)type, (unsigned long long)special[id]);
    if (id > PIECE_UNKNOWN && type != NORMAL && type != CONTROL && type != UNUSED)
        return lt_fail(
            l->err, LT_ERR_INPUT,
            "%s: piece %d is of type %llu, expected 1 (normal), 3 (control) or 5 (unused)",
            l->place, id, (unsigned long long)type);
    p->matches = type == NORMAL;
    return LT_OK;
}

/* { 3: model type, 24: white space as suffix, 35: byte fallback } */
static lt_status check_trainer(const loading *l, const proto_field *message)
{
    proto_cursor c = proto_open(message->bytes, message->count);
    proto_field f;
    while (proto_next(&c, &f)) {
        if (f.wire != PROTO_VARINT)
            continue;
        if (f.number == 3 && f.value != 1)
            return refuse(l, "not a unigram model");
        if (f.number == 24 && f.value != 0)
            return refuse(l, "treat_whitespace_as_suffix is on, expected off");
        if (f.number == 35 && f.value != 0)
            return refuse(l, "byte_fallback is on, expected off");
    }
    return check_framing(l, &c);
}

/* 4 bytes of size, the trie, then the strings. */
static lt_status read_char_map(const loading *l, const unsigned char *bytes, size_t count)
{
    piece_char_map *map = &l->m->char_map;
    if (count == 0)
        return LT_OK;
    const size_t trie = count < 4 ? 0
                                  : (size_t)bytes[0] | (size_t)bytes[1] << 8 |
                                        (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    if (trie == 0 || trie % 4 != 0 || trie >= count - 4 || bytes[count - 1] != 0)
        return refuse(l, "precompiled_charsmap is damaged");
    map->units = bytes + 4;
    map->unit_count = trie / 4;
    map->strings = (const char *)bytes + 4 + trie;
    map->string_bytes = count - 4 - trie;
    return LT_OK;
}

/* { 2: precompiled_charsmap, 3: add_dummy_prefix, 4: remove_extra_whitespaces, 5:
 * escape_whitespaces }, the last three on by default */
static lt_status read_normalizer(const loading *l, const proto_field *message)
{
    static const char *const must_be_on[] = {"add_dummy_prefix", "remove_extra_whitespaces",
                                             "escape_whitespaces"};
    proto_cursor c = proto_open(message->bytes, message->count);
    proto_field f;
    while (proto_next(&c, &f)) {
        if (f.number == 2 && f.wire == PROTO_BYTES)
            LT_TRY(read_char_map(l, f.bytes, f.count));
        if (f.number >= 3 && f.number <= 5 && f.wire == PROTO_VARINT && f.value == 0)
            return lt_fail(l->err, LT_ERR_INPUT, "%s: %s is off, expected on", l->place,
                           must_be_on[f.number - 3]);
    }
    return check_framing(l, &c);
}

static lt_status count_pieces(const loading *l, int *count)
{
    proto_cursor c = proto_open(l->m->file, l->m->file_bytes);
    proto_field f;
    *count = 0;
    while (proto_next(&c, &f))
        *count += f.number == 1 && f.wire == PROTO_BYTES;
    LT_TRY(check_framing(l, &c));
    if (*count <= PIECE_UNKNOWN)
        return lt_fail(l->err, LT_ERR_INPUT, "%s: not a SentencePiece model: %d pieces", l->place,
                       *count);
    return LT_OK;
}

/* { 1: piece (repeated), 2: trainer_spec, 3: normalizer_spec }; other fields are of no interest. */
static lt_status read_model(const loading *l)
{
    proto_cursor c = proto_open(l->m->file, l->m->file_bytes);
    proto_field f;
    while (proto_next(&c, &f)) {
        if (f.wire != PROTO_BYTES)
            continue;
        if (f.number == 1)
            LT_TRY(read_piece(l, &f, l->m->count++));
        else if (f.number == 2)
            LT_TRY(check_trainer(l, &f));
        else if (f.number == 3)
            LT_TRY(read_normalizer(l, &f));
    }
    return LT_OK;
}

static int compare_bytes(const piece *a, const piece *b)
{
    const size_t shorter = a->bytes < b->bytes ? a->bytes : b->bytes;
    const int order = memcmp(a->text, b->text, shorter);
    return order != 0 ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static int compare_places(const void *a, const void *b)
{
    return compare_bytes(*(const piece *const *)a, *(const piece *const *)b);
}

static lt_status sort_pieces(const loading *l)
{
    piece_model *m = l->m;
    float least = INFINITY;
    for (int i = 0; i < m->count; i++) {
        if (!m->pieces[i].matches)
            continue;
        m->sorted[m->sorted_count++] = &m->pieces[i];
        least = fminf(least, m->pieces[i].score);
    }
    if (m->sorted_count == 0)
        return refuse(l, "no normal pieces");
    m->unknown_score = least - unknown_penalty;
    qsort(m->sorted, (size_t)m->sorted_count, sizeof(piece *), compare_places);
    for (int i = 1; i < m->sorted_count; i++)
        if (compare_bytes(m->sorted[i - 1], m->sorted[i]) == 0)
            return lt_fail(l->err, LT_ERR_INPUT, "%s: pieces %td and %td have the same text",
                           l->place, m->sorted[i - 1] - m->pieces, m->sorted[i] - m->pieces);
    return LT_OK;
}

lt_status piece_model_open(piece_model *m, const void *bytes, size_t count, const char *place,
                           lt_error *err)
{
    *m = (piece_model){0};
    const loading l = {m, place, err};
    if (count == 0 || count > MAX_FILE_BYTES)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: %zu bytes, expected a SentencePiece model of 1 to %d", place, count,
                       MAX_FILE_BYTES);
    m->file = malloc(count);
    if (m->file == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    memcpy(m->file, bytes, count);
    m->file_bytes = count;
    int pieces;
    LT_TRY(count_pieces(&l, &pieces));
    m->pieces = calloc((size_t)pieces, sizeof m->pieces[0]);
    m->sorted = calloc((size_t)pieces, sizeof(piece *));
    if (m->pieces == NULL || m->sorted == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    LT_TRY(read_model(&l));
    return sort_pieces(&l);
}

void piece_model_close(piece_model *m)
{
    free(m->sorted);
    free(m->pieces);
    free(m->file);
    *m = (piece_model){0};
}

piece_search piece_search_start(const piece_model *m)
{
    return (piece_search){.first = 0, .last = m->sorted_count, .depth = 0};
}

/* The first place of the range whose piece has a byte >= `byte` at `depth`; pieces that end there
 * come before all. */
static int lower_bound(const piece_model *m, const piece_search *s, int byte)
{
    int low = s->first;
    int high = s->last;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const piece *p = m->sorted[middle];
        if (p->bytes > s->depth && p->text[s->depth] >= byte)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool piece_search_next(const piece_model *m, piece_search *s, unsigned char byte, int *found)
{
    const int first = lower_bound(m, s, byte);
    const int last = lower_bound(m, s, byte + 1);
    s->first = first;
    s->last = last;
    s->depth++;
    *found = -1;
    if (first < last && m->sorted[first]->bytes == s->depth)
        *found = (int)(m->sorted[first] - m->pieces);
    return first < last;
}
