/* test_piece_model.c - what is read from a model file, and which files are refused. */
#include "tests/support/check.h"
#include "tests/support/toy_spiece.h"

#include <math.h>
#include <stdlib.h>

#include "text_encoder/piece_model.h"
#include "text_encoder/piece_normalizer.h"

static toy_spiece toy;

static void good_toy(void)
{
    toy_spiece_begin(&toy);
    toy_spiece_piece(&toy, "b", -1);
    toy_spiece_piece(&toy, "a", -2);
    toy_spiece_piece(&toy, "ab", -3.5f);
    toy_spiece_piece_of_type(&toy, "abc", -1, 5);
    toy_spiece_rule(&toy, "\t", " ");
    toy_spiece_rule(&toy, "Q", "ab");
    toy_spiece_end(&toy);
}

static lt_status open_bytes(const void *bytes, size_t count, piece_model *m, lt_error *err)
{
    *err = (lt_error){0};
    return piece_model_open(m, bytes, count, "toy", err);
}

static void reads_pieces(void **state)
{
    (void)state;
    piece_model m;
    lt_error err;
    good_toy();
    check_ok(open_bytes(toy.bytes, toy.count, &m, &err), err);
    assert_int_equal(m.count, 7);
    assert_int_equal(m.sorted_count, 3);
    assert_true(m.unknown_score == -13.5f); /* of the matching pieces, -3.5 is the least */
    piece_model_close(&m);
}

static void finds_pieces_by_bytes(void **state)
{
    (void)state;
    piece_model m;
    lt_error err;
    good_toy();
    check_ok(open_bytes(toy.bytes, toy.count, &m, &err), err);
    piece_search s = piece_search_start(&m);
    int found;
    assert_true(piece_search_next(&m, &s, 'a', &found));
    assert_int_equal(found, 4);
    assert_true(piece_search_next(&m, &s, 'b', &found));
    assert_int_equal(found, 5);
    assert_false(piece_search_next(&m, &s, 'c', &found)); /* "abc" is unused */
    s = piece_search_start(&m);
    assert_false(piece_search_next(&m, &s, 0xFF, &found));
    piece_model_close(&m);
}

static void refuse_toy(const char *part)
{
    piece_model m;
    lt_error err;
    toy_spiece_end(&toy);
    check_failed(open_bytes(toy.bytes, toy.count, &m, &err), err, LT_ERR_INPUT, part);
    piece_model_close(&m);
}

static void refuses_what_is_no_t5_vocabulary(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        float score;
        int type;
        const char *message;
    } pieces[] = {
        {"", -1, 1, "toy: piece 4 has no text"},
        {"y", NAN, 1, "toy: piece 4 has no finite score"},
        {"y", -INFINITY, 1, "toy: piece 4 has no finite score"},
        {"y", -1, 2, "toy: piece 4 is of type 2, expected 1 (normal), 3 (control) or 5 (unused)"},
        {"y", -1, 4, "toy: piece 4 is of type 4"},
        {"y", -1, 6, "toy: piece 4 is of type 6"},
        {"x", -1, 1, "have the same text"},
    };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        toy_spiece_begin(&toy);
        toy_spiece_piece(&toy, "x", -1);
        toy_spiece_piece_of_type(&toy, pieces[i].text, pieces[i].score, pieces[i].type);
        refuse_toy(pieces[i].message);
    }
    static const struct {
        int field;
        unsigned char body[4];
        size_t count;
        const char *message;
    } settings[] = {
        {2, {3 << 3, 2}, 2, "toy: not a unigram model"},
        {2, {0xC0, 1, 1}, 3, "toy: treat_whitespace_as_suffix is on, expected off"},
        {2, {0x98, 2, 1}, 3, "toy: byte_fallback is on, expected off"},
        {3, {3 << 3, 0}, 2, "toy: add_dummy_prefix is off, expected on"},
        {3, {4 << 3, 0}, 2, "toy: remove_extra_whitespaces is off, expected on"},
        {3, {5 << 3, 0}, 2, "toy: escape_whitespaces is off, expected on"},
        {3, {2 << 3 | 2, 2, 1, 1}, 4, "toy: precompiled_charsmap is damaged"},
        {3, {2 << 3 | 2, 99}, 2, "toy: not a SentencePiece model, broken at byte"},
        {1, {3 << 3 | 3, 1}, 2, "toy: not a SentencePiece model, broken at byte"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        toy_spiece_begin(&toy);
        toy_spiece_piece(&toy, "x", -1);
        toy_spiece_field(&toy, settings[i].field, settings[i].body, settings[i].count);
        refuse_toy(settings[i].message);
    }
}

static void refuses_special_pieces_elsewhere(void **state)
{
    (void)state;
    toy.count = 0;
    toy.nodes = 0;
    toy_spiece_piece_of_type(&toy, "<unk>", 0, 2);
    toy_spiece_piece_of_type(&toy, "<s>", 0, 3);
    toy_spiece_piece_of_type(&toy, "</s>", 0, 3);
    refuse_toy("toy: piece 0 is of type 2, expected 3: <pad>, </s>, <unk> come first");
    toy_spiece_begin(&toy);
    refuse_toy("toy: no normal pieces");
}

static void refuses_what_is_no_model(void **state)
{
    (void)state;
    piece_model m;
    lt_error err;
    check_failed(open_bytes("", 0, &m, &err), err, LT_ERR_INPUT,
                 "toy: 0 bytes, expected a SentencePiece model");
    piece_model_close(&m);
    check_failed(open_bytes("{\"a\": 1}", 8, &m, &err), err, LT_ERR_INPUT,
                 "toy: not a SentencePiece model");
    piece_model_close(&m);
    static const unsigned char huge[] = {0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                         0xFF, 0xFF, 0xFF, 0xFF, 0x01};
    check_failed(open_bytes(huge, sizeof huge, &m, &err), err, LT_ERR_INPUT,
                 "toy: not a SentencePiece model, broken at byte 11");
    piece_model_close(&m);
}

/* Whatever is cut off or flipped: a model or a message, never a read outside the file (the
 * sanitizers watch). */
static void survives_damage(void **state)
{
    (void)state;
    good_toy();
    normalized_text out = {0};
    for (size_t i = 0; i < toy.count; i += 1 + i / 200) {
        piece_model m;
        lt_error err;
        unsigned char *copy = malloc(toy.count);
        assert_non_null(copy);
        memcpy(copy, toy.bytes, toy.count);
        lt_status s = open_bytes(copy, i, &m, &err);
        assert_true(s == LT_OK || s == LT_ERR_INPUT);
        piece_model_close(&m);
        copy[i] ^= (unsigned char)(1u << i % 8);
        s = open_bytes(copy, toy.count, &m, &err);
        free(copy);
        if (s == LT_OK)
            s = piece_normalize(&m, "\tQ a", 0, 4, &out, &err);
        assert_true(s == LT_OK || s == LT_ERR_INPUT);
        piece_model_close(&m);
    }
    normalized_text_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_pieces),
        cmocka_unit_test(finds_pieces_by_bytes),
        cmocka_unit_test(refuses_what_is_no_t5_vocabulary),
        cmocka_unit_test(refuses_special_pieces_elsewhere),
        cmocka_unit_test(refuses_what_is_no_model),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
