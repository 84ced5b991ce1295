/* fuzz_spiece.c - any bytes as a SentencePiece model that cuts a text, and any text cut by a good
 * model.
 *
 * Input: two bytes n (little-endian), n bytes of text, the rest is the model; no rest: a model made
 * here.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tests/support/toy_spiece.h"
#include "text_encoder/text_vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cut(const text_pieces *cut, size_t bytes, int ids)
{
    size_t at = 0;
    for (size_t i = 0; i < cut->count; i++) {
        const text_piece *p = &cut->items[i];
        if (p->id < 0 || p->id >= ids || p->begin < at || p->end < p->begin || p->end > bytes)
            abort();
        at = p->begin;
    }
}

static void cut_text(const text_vocab *vocab, const char *text, size_t bytes)
{
    text_pieces cut;
    lt_error err = {0};
    if (text_cut(vocab, text, bytes, &cut, &err) == LT_OK) {
        check_cut(&cut, bytes, text_vocab_count(vocab));
        text_pieces_close(&cut);
    }
    enum { LENGTH = 8 };
    int32_t ids[LENGTH];
    text_report report;
    err = (lt_error){0};
    if (text_ids(vocab, text, bytes, LENGTH, TEXT_PADDED, ids, &report, &err) == LT_OK &&
        (report.count != LENGTH || report.kept_bytes > bytes))
        abort();
}

static void cut_with_any_model(const void *model, size_t model_bytes, const char *text,
                               size_t bytes)
{
    text_vocab *vocab;
    lt_error err = {0};
    if (text_vocab_from_memory(model, model_bytes, "fuzz", &vocab, &err) == LT_OK)
        cut_text(vocab, text, bytes);
    text_vocab_close(vocab);
}

/* Made once, kept for all inputs. */
static const text_vocab *good_vocab(void)
{
    static text_vocab *vocab;
    static toy_spiece toy;
    if (vocab != NULL)
        return vocab;
    toy_spiece_begin(&toy);
    toy_spiece_piece(&toy, "\xE2\x96\x81", -2);
    toy_spiece_piece(&toy, "\xE2\x96\x81re", -3);
    toy_spiece_piece(&toy, "d", -4);
    toy_spiece_piece(&toy, "dd", -5);
    toy_spiece_piece(&toy, "\xC3\xA9", -6);
    toy_spiece_rule(&toy, "\t", " ");
    toy_spiece_rule(&toy, "\xC2\xBD", " 1/2 ");
    toy_spiece_rule(&toy, "\xE2\x80\x8B", "");
    toy_spiece_end(&toy);
    lt_error err = {0};
    if (text_vocab_from_memory(toy.bytes, toy.count, "toy", &vocab, &err) != LT_OK)
        abort();
    return vocab;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const size_t left = size - 2;
    const size_t wanted = (size_t)data[0] | (size_t)data[1] << 8;
    const size_t bytes = wanted < left ? wanted : left;
    const char *text = (const char *)data + 2;
    if (bytes < left)
        cut_with_any_model(text + bytes, left - bytes, text, bytes);
    else
        cut_text(good_vocab(), text, bytes);
    return 0;
}
