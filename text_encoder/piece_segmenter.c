#include "text_encoder/piece_segmenter.h"

#include <stdlib.h>

/* The best way to cut the text up to here: its score, and its last piece. */
typedef struct {
    float score;
    int32_t id;
    size_t begin; /* of the last piece */
    bool reached;
} best_cut;

lt_status text_pieces_add(text_pieces *list, text_piece p, lt_error *err)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        text_piece *items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL)
            return lt_fail(err, LT_ERR_RESOURCES, "text: out of memory");
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = p;
    return LT_OK;
}

void text_pieces_close(text_pieces *list)
{
    free(list->items);
    *list = (text_pieces){0};
}

/* What the first byte says, even if the rest disagrees. */
static size_t character_bytes(char first, size_t left)
{
    const unsigned char byte = (unsigned char)first;
    const size_t bytes = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return bytes < left ? bytes : left;
}

/* All pieces that begin at `at`, shorter ones first. An equal score does not replace an earlier
 * cut. The sum is made in double and stored in float; an unknown character's sum is made in float.
 * That is what the library does, and near ties depend on it. */
static void extend(const piece_model *m, const char *text, size_t bytes, size_t at, best_cut *best)
{
    const size_t character = character_bytes(text[at], bytes - at);
    bool covered = false;
    piece_search search = piece_search_start(m);
    int id;
    for (size_t end = at;
         end < bytes && piece_search_next(m, &search, (unsigned char)text[end], &id); end++) {
        if (id < 0)
            continue;
        best_cut *target = &best[end + 1];
        const double score = (double)m->pieces[id].score + (double)best[at].score;
        if (!target->reached || score > (double)target->score)
            *target = (best_cut){(float)score, id, at, true};
        covered = covered || end + 1 - at == character;
    }
    best_cut *target = &best[at + character];
    const float unknown = m->unknown_score + best[at].score;
    if (!covered && (!target->reached || unknown > target->score))
        *target = (best_cut){unknown, PIECE_UNKNOWN, at, true};
}

/* Walks back from the end, then turns the new part of the list round;
 * unknown neighbours become one. */
static lt_status collect(const best_cut *best, size_t bytes, text_pieces *out, lt_error *err)
{
    const size_t first = out->count;
    for (size_t end = bytes; end > 0; end = best[end].begin) {
        const text_piece p = {best[end].id, best[end].begin, end};
        const bool joins = p.id == PIECE_UNKNOWN && out->count > first &&
                           out->items[out->count - 1].id == PIECE_UNKNOWN;
        if (joins)
            out->items[out->count - 1].begin = p.begin;
        else
            LT_TRY(text_pieces_add(out, p, err));
    }
    for (size_t a = first, b = out->count; a + 1 < b; a++, b--) {
        const text_piece p = out->items[a];
        out->items[a] = out->items[b - 1];
        out->items[b - 1] = p;
    }
    return LT_OK;
}

lt_status piece_segment(const piece_model *m, const char *text, size_t bytes, text_pieces *out,
                        lt_error *err)
{
    best_cut *best = calloc(bytes + 1, sizeof *best);
    if (best == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "text: out of memory");
    best[0].reached = true;
    for (size_t at = 0; at < bytes; at += character_bytes(text[at], bytes - at))
        extend(m, text, bytes, at, best);
    const lt_status s = collect(best, bytes, out, err);
    free(best);
    return s;
}
