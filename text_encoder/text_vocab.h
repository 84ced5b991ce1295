/* text_vocab.h - from a prompt to the ids that an encoder reads.
 *
 *     text_vocab *v;
 *     LT_TRY(text_vocab_open("spiece.model", &v, err));
 *     int32_t ids[226];
 *     text_report report;
 *     LT_TRY(text_ids(v, prompt, strlen(prompt), 226, TEXT_PADDED, ids, &report, err));
 *     ...
 *     text_vocab_close(v);
 *
 * Ids 0, 1, 2 are <pad>, </s>, <unk>. A hundred ids <extra_id_0> ... <extra_id_99> follow the
 * pieces of the file, the highest first; these strings, written in a prompt, are single ids.
 */
#ifndef TEXT_TEXT_VOCAB_H
#define TEXT_TEXT_VOCAB_H

#include "text_encoder/piece_segmenter.h"

typedef struct text_vocab text_vocab;

/* A SentencePiece model of the T5 kind (piece_model.h). LT_ERR_INPUT. */
lt_status text_vocab_open(const char *path, text_vocab **out, lt_error *err);
lt_status text_vocab_from_memory(const void *bytes, size_t count, const char *place,
                                 text_vocab **out, lt_error *err);
void text_vocab_close(text_vocab *v);      /* accepts NULL */
int text_vocab_count(const text_vocab *v); /* ids it can give: pieces + 100 */

typedef enum {
    TEXT_UNPADDED, /* the language model's convention */
    TEXT_PADDED    /* the diffusion stage's: <pad> up to the full length */
} text_padding;

typedef struct {
    int count;            /* ids written */
    bool truncated;       /* the text had more ids than there was room for */
    size_t kept_bytes;    /* of the text, that the ids stand for */
    int unknown;          /* how many ids are <unk> */
    size_t unknown_at;    /* byte of the text where the first of them begins, and how many bytes it
                             stands for, white space */
    size_t unknown_bytes; /* in front left out; 0 where there is none */
} text_report;

/* The ids of `text`, </s> at the end, at most `max_length` in all (`ids` has room for so many).
 * What is not UTF-8 becomes unknown. An empty text is </s> alone. LT_ERR_INPUT for a text of more
 * than 64 KiB. */
lt_status text_ids(const text_vocab *v, const char *text, size_t bytes, int max_length,
                   text_padding padding, int32_t *ids, text_report *report, lt_error *err);

/* How the text is cut, before truncation and without </s>: ids and the bytes of `text` that each
 * stands for, leading white space included. Close the list with text_pieces_close. */
lt_status text_cut(const text_vocab *v, const char *text, size_t bytes, text_pieces *out,
                   lt_error *err);

#endif
