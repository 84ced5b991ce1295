/* toy_spiece.h - small SentencePiece models, made in the test that reads them.
 *
 *     toy_spiece m;
 *     toy_spiece_begin(&m);                      // <pad>, </s>, <unk>
 *     toy_spiece_piece(&m, "\u2581red", -2);     // id 3
 *     toy_spiece_rule(&m, "\t", " ");
 *     toy_spiece_end(&m);
 *     text_vocab_from_memory(m.bytes, m.count, "toy", &vocab, &err);
 */
#ifndef TEST_TOY_SPIECE_H
#define TEST_TOY_SPIECE_H

#include <stddef.h>
#include <stdint.h>

enum { TOY_BYTES = 1 << 18, TOY_NODES = 64, TOY_BLOCK = 256 };

typedef struct {
    unsigned char bytes[TOY_BYTES];
    size_t count;
    /* node i of the trie owns block i: its child by byte c sits at 256 i + c */
    uint32_t units[TOY_NODES * TOY_BLOCK];
    int nodes;
    char strings[1024];
    size_t string_bytes;
} toy_spiece;

void toy_spiece_begin(toy_spiece *m);
void toy_spiece_piece(toy_spiece *m, const char *text, float score);
void toy_spiece_piece_of_type(toy_spiece *m, const char *text, float score, int type);
/* A rule of the character map; `from` is not the beginning of another rule that is given later. */
void toy_spiece_rule(toy_spiece *m, const char *from, const char *to);
void toy_spiece_end(toy_spiece *m);

/* For damaged files: raw fields. */
void toy_spiece_varint(toy_spiece *m, uint64_t value);
void toy_spiece_field(toy_spiece *m, int number, const void *bytes, size_t count);

#endif
