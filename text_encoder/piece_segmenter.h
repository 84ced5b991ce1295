/* piece_segmenter.h - the most likely way to cut a normalised text into pieces (Viterbi over a
 * unigram model). */
#ifndef TEXT_PIECE_SEGMENTER_H
#define TEXT_PIECE_SEGMENTER_H

#include <stdint.h>

#include "text_encoder/piece_model.h"

typedef struct {
    int32_t id;   /* PIECE_UNKNOWN for a run of characters that no piece covers */
    size_t begin; /* bytes of the text that was cut */
    size_t end;
} text_piece;

/* Appends the pieces of text[0 .. bytes-1] to *pieces (grown with realloc;
 * *count of *capacity in use). */
typedef struct {
    text_piece *items;
    size_t count;
    size_t capacity;
} text_pieces;

lt_status piece_segment(const piece_model *m, const char *text, size_t bytes, text_pieces *out,
                        lt_error *err);
lt_status text_pieces_add(text_pieces *list, text_piece p, lt_error *err);
void text_pieces_close(text_pieces *list);

#endif
