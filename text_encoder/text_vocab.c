#include "text_encoder/text_vocab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/utf8.h"
#include "kernels/core/whole_file.h"
#include "text_encoder/piece_normalizer.h"
#include "text_encoder/white_space.h"

enum { EXTRA_IDS = 100, MAX_TEXT_BYTES = 1 << 16, MAX_FILE_BYTES = 16 << 20 };

struct text_vocab {
    piece_model model;
};

int text_vocab_count(const text_vocab *v)
{
    return v->model.count + EXTRA_IDS;
}

lt_status text_vocab_from_memory(const void *bytes, size_t count, const char *place,
                                 text_vocab **out, lt_error *err)
{
    *out = NULL;
    text_vocab *v = calloc(1, sizeof *v);
    if (v == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    const lt_status s = piece_model_open(&v->model, bytes, count, place, err);
    if (s == LT_OK)
        *out = v;
    else
        text_vocab_close(v);
    return s;
}

lt_status text_vocab_open(const char *path, text_vocab **out, lt_error *err)
{
    char *bytes;
    size_t count;
    *out = NULL;
    lt_status s =
        lt_whole_file_read(path, MAX_FILE_BYTES, "a SentencePiece vocabulary", &bytes, &count, err);
    if (s == LT_OK)
        s = text_vocab_from_memory(bytes, count, path, out, err);
    free(bytes);
    return s;
}

void text_vocab_close(text_vocab *v)
{
    if (v == NULL)
        return;
    piece_model_close(&v->model);
    free(v);
}

/* Strings that are ids by themselves ----------------------------------------------------------- */

typedef struct {
    int32_t id;
    size_t bytes;
    bool trims; /* white space on both sides goes with it */
} special_string;

static bool begins_with(const char *text, size_t bytes, const char *word)
{
    return bytes >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* <extra_id_k>, k from 0 to 99 without leading zeros */
static bool extra_id_at(const text_vocab *v, const char *text, size_t bytes, special_string *out)
{
    static const char head[] = "<extra_id_";
    if (!begins_with(text, bytes, head))
        return false;
    size_t at = sizeof head - 1;
    int k = 0;
    size_t digits = 0;
    for (; at < bytes && digits < 2 && text[at] >= '0' && text[at] <= '9'; at++, digits++)
        k = 10 * k + (text[at] - '0');
    const bool leading_zero = digits == 2 && k < 10;
    if (digits == 0 || leading_zero || at == bytes || text[at] != '>')
        return false;
    *out = (special_string){v->model.count + EXTRA_IDS - 1 - k, at + 1, true};
    return true;
}

static bool special_at(const text_vocab *v, const char *text, size_t bytes, special_string *out)
{
    static const struct {
        const char *word;
        int32_t id;
    } words[] = {{"<pad>", PIECE_PAD}, {"</s>", PIECE_END}, {"<unk>", PIECE_UNKNOWN}};
    if (bytes == 0 || text[0] != '<')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (begins_with(text, bytes, words[i].word)) {
            *out = (special_string){words[i].id, strlen(words[i].word), false};
            return true;
        }
    }
    return extra_id_at(v, text, bytes, out);
}

static size_t skip_leading_spaces(const char *text, size_t begin, size_t end)
{
    uint32_t code;
    while (begin < end) {
        const size_t bytes = lt_utf8_char(text + begin, end - begin, &code);
        if (bytes == 0 || !text_is_space(code))
            break;
        begin += bytes;
    }
    return begin;
}

static size_t skip_trailing_spaces(const char *text, size_t begin, size_t end)
{
    while (end > begin) {
        size_t start = end - 1;
        while (start > begin && ((unsigned char)text[start] & 0xC0) == 0x80)
            start--;
        uint32_t code;
        if (lt_utf8_char(text + start, end - start, &code) != end - start || !text_is_space(code))
            break;
        end = start;
    }
    return end;
}

/* Cutting -------------------------------------------------------------------------------------- */

/* The pieces of text[begin .. end-1], which holds no special string. */
static lt_status cut_plain(const text_vocab *v, const char *text, size_t begin, size_t end,
                           normalized_text *normal, text_pieces *out, lt_error *err)
{
    LT_TRY(piece_normalize(&v->model, text, begin, end, normal, err));
    const size_t first = out->count;
    LT_TRY(piece_segment(&v->model, normal->text, normal->bytes, out, err));
    for (size_t i = first; i < out->count; i++) {
        out->items[i].begin = normal->origin[out->items[i].begin];
        out->items[i].end = normal->origin[out->items[i].end];
    }
    return LT_OK;
}

static lt_status cut_all(const text_vocab *v, const char *text, size_t bytes,
                         normalized_text *normal, text_pieces *out, lt_error *err)
{
    bool trim_start = false;
    size_t begin = 0;
    for (size_t at = 0; at <= bytes; at++) {
        special_string special = {0};
        const bool found = special_at(v, text + at, bytes - at, &special);
        if (!found && at < bytes)
            continue;
        const size_t from = trim_start ? skip_leading_spaces(text, begin, at) : begin;
        const size_t to = special.trims ? skip_trailing_spaces(text, from, at) : at;
        LT_TRY(cut_plain(v, text, from, to, normal, out, err));
        if (!found)
            break;
        LT_TRY(text_pieces_add(out, (text_piece){special.id, at, at + special.bytes}, err));
        trim_start = special.trims;
        begin = at + special.bytes;
        at = begin - 1;
    }
    return LT_OK;
}

lt_status text_cut(const text_vocab *v, const char *text, size_t bytes, text_pieces *out,
                   lt_error *err)
{
    *out = (text_pieces){0};
    if (bytes > MAX_TEXT_BYTES)
        return lt_fail(err, LT_ERR_INPUT, "text: %zu bytes, expected at most %d", bytes,
                       MAX_TEXT_BYTES);
    normalized_text normal = {0};
    const lt_status s = cut_all(v, text, bytes, &normal, out, err);
    normalized_text_close(&normal);
    if (s != LT_OK)
        text_pieces_close(out);
    return s;
}

static void report_unknown(const char *text, text_piece p, text_report *report)
{
    if (report->unknown++ > 0)
        return;
    report->unknown_at = skip_leading_spaces(text, p.begin, p.end);
    report->unknown_bytes = p.end - report->unknown_at;
}

/* A literal </s> at the end, or where the text was cut, serves as the end. */
static void put_ids(const text_pieces *pieces, const char *text, size_t bytes, int max_length,
                    text_padding padding, int32_t *ids, text_report *report)
{
    const size_t room = (size_t)max_length - 1;
    const size_t kept = pieces->count < room ? pieces->count : room;
    *report = (text_report){.truncated = kept < pieces->count, .kept_bytes = bytes};
    if (report->truncated)
        report->kept_bytes = kept > 0 ? pieces->items[kept - 1].end : 0;
    for (size_t i = 0; i < kept; i++) {
        ids[i] = pieces->items[i].id;
        if (ids[i] == PIECE_UNKNOWN)
            report_unknown(text, pieces->items[i], report);
    }
    int n = (int)kept;
    if (n == 0 || ids[n - 1] != PIECE_END)
        ids[n++] = PIECE_END;
    while (padding == TEXT_PADDED && n < max_length)
        ids[n++] = PIECE_PAD;
    report->count = n;
}

lt_status text_ids(const text_vocab *v, const char *text, size_t bytes, int max_length,
                   text_padding padding, int32_t *ids, text_report *report, lt_error *err)
{
    if (max_length < 1)
        return lt_fail(err, LT_ERR_INPUT, "text: room for %d ids, expected at least 1", max_length);
    text_pieces pieces;
    LT_TRY(text_cut(v, text, bytes, &pieces, err));
    put_ids(&pieces, text, bytes, max_length, padding, ids, report);
    text_pieces_close(&pieces);
    return LT_OK;
}
