/* test_text_vocab.c - prompts to ids: special strings, truncation, padding, what was unknown. */
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/toy_spiece.h"

#include <stdlib.h>

#include "text_encoder/text_vocab.h"

#define MARK      "\xE2\x96\x81"
#define NEXT_LINE "\xC2\x85"

enum {
    RED = 3,
    BALL,
    A,
    B,
    LONE_MARK,
    PIECES,
    EXTRA_0 = PIECES + 99,
    END = 1,
    PAD = 0,
    UNK = 2,
    ROOM = 16
};

static text_vocab *vocab;
static toy_spiece toy;

static int open_vocab(void **state)
{
    (void)state;
    toy_spiece_begin(&toy);
    toy_spiece_piece(&toy, MARK "red", -2);
    toy_spiece_piece(&toy, MARK "ball", -2);
    toy_spiece_piece(&toy, "a", -3);
    toy_spiece_piece(&toy, "b", -3);
    toy_spiece_piece(&toy, MARK, -3);
    toy_spiece_end(&toy);
    lt_error err = {0};
    return text_vocab_from_memory(toy.bytes, toy.count, "toy", &vocab, &err) == LT_OK ? 0 : -1;
}

static int close_vocab(void **state)
{
    (void)state;
    text_vocab_close(vocab);
    return 0;
}

static text_report ids_of(const char *text, int max_length, text_padding padding, int32_t *ids)
{
    text_report report;
    lt_error err = {0};
    check_ok(text_ids(vocab, text, strlen(text), max_length, padding, ids, &report, &err), err);
    return report;
}

static void expect_ids(const char *text, const int32_t *want, int count)
{
    int32_t ids[ROOM];
    const text_report report = ids_of(text, ROOM, TEXT_UNPADDED, ids);
    if (report.count != count)
        fail_msg("'%s': %d ids, want %d", text, report.count, count);
    for (int i = 0; i < count; i++)
        if (ids[i] != want[i])
            fail_msg("'%s': id %d is %d, want %d", text, i, (int)ids[i], (int)want[i]);
}

#define EXPECT_IDS(text, ...)                                                                      \
    expect_ids(text, (int32_t[]){__VA_ARGS__}, (int)(sizeof((int32_t[]){__VA_ARGS__}) / 4))

static void plain_prompts(void **state)
{
    (void)state;
    assert_int_equal(text_vocab_count(vocab), PIECES + 100);
    EXPECT_IDS("", END);
    EXPECT_IDS("   ", END);
    EXPECT_IDS("red ball", RED, BALL, END);
    EXPECT_IDS("  red   ball ", RED, BALL, END);
    EXPECT_IDS("ab", LONE_MARK, A, B, END);
    EXPECT_IDS("red \xE7\x8C\xAB\xE7\x8C\xAB ball", RED, LONE_MARK, UNK, BALL, END);
    EXPECT_IDS("\xFF\xFE", LONE_MARK, UNK, END);
}

static void strings_that_are_ids(void **state)
{
    (void)state;
    EXPECT_IDS("red</s>ball", RED, END, BALL, END); /* each part begins a word */
    EXPECT_IDS("<pad><unk>", PAD, UNK, END);
    EXPECT_IDS("red</s>", RED, END); /* the end is there already */
    EXPECT_IDS("</s></s>", END, END);
    EXPECT_IDS("<extra_id_0>", EXTRA_0, END);
    EXPECT_IDS("<extra_id_99>a", EXTRA_0 - 99, LONE_MARK, A, END);
    EXPECT_IDS("red <extra_id_10> ball", RED, EXTRA_0 - 10, BALL, END);
    EXPECT_IDS("a</s", LONE_MARK, A, UNK, END);
    static const char *const no_ids[] = {"<extra_id_>",    "<extra_id_00>", "<extra_id_01>",
                                         "<extra_id_100>", "<extra_id_1",   "<PAD>"};
    for (size_t i = 0; i < sizeof no_ids / sizeof no_ids[0]; i++) {
        int32_t ids[ROOM];
        const text_report report = ids_of(no_ids[i], ROOM, TEXT_UNPADDED, ids);
        for (int k = 0; k < report.count; k++)
            assert_true(ids[k] < PIECES && ids[k] != PAD);
    }
}

/* Only an <extra_id_k> takes white space with it; this shows with a kind that SentencePiece does
 * not know as such. */
static void white_space_beside_extra_ids(void **state)
{
    (void)state;
    EXPECT_IDS("a" NEXT_LINE "<extra_id_3>" NEXT_LINE " b", LONE_MARK, A, EXTRA_0 - 3, LONE_MARK, B,
               END);
    EXPECT_IDS("a" NEXT_LINE "</s>", LONE_MARK, A, UNK, END);
    EXPECT_IDS("a" NEXT_LINE, LONE_MARK, A, UNK, END);
    EXPECT_IDS(NEXT_LINE "<extra_id_3>" NEXT_LINE, EXTRA_0 - 3, END);
}

static void truncation(void **state)
{
    (void)state;
    int32_t ids[ROOM];
    text_report report = ids_of("red ball red", 3, TEXT_UNPADDED, ids);
    assert_true(report.truncated);
    assert_int_equal(report.count, 3);
    assert_int_equal(report.kept_bytes, strlen("red ball"));
    assert_int_equal(ids[1], BALL);
    assert_int_equal(ids[2], END);

    report = ids_of("red ball", 3, TEXT_UNPADDED, ids);
    assert_false(report.truncated);
    assert_int_equal(report.kept_bytes, 8);

    report = ids_of("red ball", 1, TEXT_UNPADDED, ids);
    assert_int_equal(report.count, 1);
    assert_int_equal(report.kept_bytes, 0);
    assert_int_equal(ids[0], END);

    report = ids_of("red</s>ball", 3, TEXT_PADDED, ids); /* what is left ends with </s> */
    assert_int_equal(report.count, 3);
    assert_int_equal(ids[1], END);
    assert_int_equal(ids[2], PAD);
}

static void padding(void **state)
{
    (void)state;
    int32_t ids[ROOM];
    const text_report report = ids_of("red", 5, TEXT_PADDED, ids);
    static const int32_t want[] = {RED, END, PAD, PAD, PAD};
    assert_int_equal(report.count, 5);
    assert_memory_equal(ids, want, sizeof want);
}

static void unknown_words_can_be_shown(void **state)
{
    (void)state;
    static const char text[] = " red  zebra ball";
    int32_t ids[ROOM];
    const text_report report = ids_of(text, ROOM, TEXT_UNPADDED, ids);
    assert_int_equal(report.unknown, 2); /* "ze" and "r", round the known b */
    assert_int_equal(report.unknown_bytes, 2);
    assert_memory_equal(text + report.unknown_at, "ze", 2);
    text_pieces cut;
    lt_error err = {0};
    check_ok(text_cut(vocab, text, strlen(text), &cut, &err), err);
    static const struct {
        int32_t id;
        const char *part;
    } want[] = {{RED, "red"}, {LONE_MARK, ""}, {UNK, "ze"},    {B, "b"},
                {UNK, "r"},   {A, "a"},        {BALL, " ball"}};
    assert_int_equal(cut.count, 7);
    for (size_t i = 0; i < cut.count; i++) {
        const size_t bytes = cut.items[i].end - cut.items[i].begin;
        assert_int_equal(cut.items[i].id, want[i].id);
        if (want[i].id != LONE_MARK &&
            (bytes != strlen(want[i].part) ||
             memcmp(text + cut.items[i].begin, want[i].part, bytes) != 0))
            fail_msg("piece %zu is '%.*s', want '%s'", i, (int)bytes, text + cut.items[i].begin,
                     want[i].part);
    }
    text_pieces_close(&cut);
}

static void too_much_text(void **state)
{
    (void)state;
    const size_t bytes = (1 << 16) + 1;
    char *text = malloc(bytes);
    assert_non_null(text);
    memset(text, 'a', bytes);
    int32_t ids[ROOM];
    text_report report;
    lt_error err = {0};
    check_failed(text_ids(vocab, text, bytes, ROOM, TEXT_PADDED, ids, &report, &err), err,
                 LT_ERR_INPUT, "text: 65537 bytes, expected at most 65536");
    err = (lt_error){0};
    check_ok(text_ids(vocab, text, bytes - 1, ROOM, TEXT_PADDED, ids, &report, &err), err);
    assert_true(report.truncated);
    free(text);
}

static void files(void **state)
{
    (void)state;
    scratch_open();
    scratch_write("spiece.model", toy.bytes, toy.count);
    text_vocab *read;
    lt_error err = {0};
    check_ok(text_vocab_open(scratch_path("spiece.model"), &read, &err), err);
    assert_int_equal(text_vocab_count(read), PIECES + 100);
    text_vocab_close(read);
    check_failed(text_vocab_open(scratch_path("absent"), &read, &err), err, LT_ERR_INPUT,
                 "absent: No such file");
    assert_null(read);
    err = (lt_error){0};
    check_failed(text_vocab_open(scratch_path("."), &read, &err), err, LT_ERR_INPUT, "directory");
    scratch_write("empty", "", 0);
    err = (lt_error){0};
    check_failed(text_vocab_open(scratch_path("empty"), &read, &err), err, LT_ERR_INPUT, "0 bytes");
    scratch_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_prompts),
        cmocka_unit_test(strings_that_are_ids),
        cmocka_unit_test(white_space_beside_extra_ids),
        cmocka_unit_test(truncation),
        cmocka_unit_test(padding),
        cmocka_unit_test(unknown_words_can_be_shown),
        cmocka_unit_test(too_much_text),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, open_vocab, close_vocab);
}
