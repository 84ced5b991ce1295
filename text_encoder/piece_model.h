/* piece_model.h - what a spiece.model file holds: sub-word pieces with scores, and the map of
 * characters.
 *
 * The file is a SentencePiece ModelProto. Only what a T5 vocabulary is made of is accepted: a
 * unigram model with the special pieces <pad>, </s>, <unk> at 0, 1, 2, no bytes and no user-defined
 * pieces, white space written as a leading U+2581.
 */
#ifndef TEXT_PIECE_MODEL_H
#define TEXT_PIECE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"

typedef struct {
    const unsigned char *text; /* UTF-8, not terminated */
    size_t bytes;              /* 1 ... 256 */
    float score;               /* log probability */
    bool matches;              /* a normal piece; special and unused ones never match text */
} piece;

/* The double-array trie of character rules and their replacements. Empty:
 * characters stay as they are. */
typedef struct {
    const unsigned char *units; /* unit_count little-endian uint32 */
    size_t unit_count;
    const char *strings; /* NUL-terminated replacements; the last byte is a NUL */
    size_t string_bytes;
} piece_char_map;

typedef struct {
    unsigned char *file; /* owned; everything below points into it */
    size_t file_bytes;
    piece *pieces;
    int count;
    const piece **sorted; /* matching pieces in the order of their bytes */
    int sorted_count;
    float unknown_score; /* of a character that no piece covers */
    piece_char_map char_map;
} piece_model;

enum { PIECE_PAD = 0, PIECE_END = 1, PIECE_UNKNOWN = 2 };

/* Takes a copy of the bytes. LT_ERR_INPUT for anything but a model as above.
 * Close it also after a failure. */
lt_status piece_model_open(piece_model *m, const void *bytes, size_t count, const char *place,
                           lt_error *err);
void piece_model_close(piece_model *m); /* accepts a zeroed one */

/* Pieces that begin at the start of a text, one byte further with each call. */
typedef struct {
    int first; /* range of `sorted` that agrees with the bytes so far */
    int last;
    size_t depth;
} piece_search;

piece_search piece_search_start(const piece_model *m);
/* Goes on by one byte; false when no piece begins like this. *found is the
 * piece that ends here, or -1. */
bool piece_search_next(const piece_model *m, piece_search *s, unsigned char byte, int *found);

#endif
