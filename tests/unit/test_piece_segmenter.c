/* test_piece_segmenter.c - the best cut: scores, ties, characters that no piece covers. */
#include "tests/support/check.h"
#include "tests/support/toy_spiece.h"

#include "text_encoder/piece_segmenter.h"

typedef struct {
    const char *text;
    float score;
} toy_piece;

enum { FIRST = 3, MOST = 8 };

/* Cuts `text` with these pieces (ids from 3), and compares with ids that end with -1. */
static void expect_cut(const toy_piece *pieces, const char *text, const int *want)
{
    static toy_spiece toy;
    toy_spiece_begin(&toy);
    for (int i = 0; i < MOST && pieces[i].text != NULL; i++)
        toy_spiece_piece(&toy, pieces[i].text, pieces[i].score);
    toy_spiece_end(&toy);
    piece_model m;
    text_pieces got = {0};
    lt_error err = {0};
    check_ok(piece_model_open(&m, toy.bytes, toy.count, "toy", &err), err);
    check_ok(piece_segment(&m, text, strlen(text), &got, &err), err);
    size_t end = 0;
    for (size_t i = 0; i < got.count; i++) {
        if (got.items[i].id != want[i])
            fail_msg("'%s': piece %zu is %d, want %d", text, i, (int)got.items[i].id, want[i]);
        assert_int_equal(got.items[i].begin, end); /* pieces follow each other without gaps */
        end = got.items[i].end;
    }
    assert_int_equal(want[got.count], -1);
    assert_int_equal(end, strlen(text));
    text_pieces_close(&got);
    piece_model_close(&m);
}

static void the_likeliest_cut_wins(void **state)
{
    (void)state;
    static const toy_piece pieces[MOST] = {
        {"a", -1}, {"b", -1}, {"ab", -1.5f}, {"abc", -9}, {"c", -1}};
    expect_cut(pieces, "ab", (int[]){5, -1});
    expect_cut(pieces, "abc", (int[]){5, 7, -1});
    expect_cut(pieces, "ba", (int[]){4, 3, -1});
    expect_cut(pieces, "", (int[]){-1});
}

static void the_earlier_start_wins_a_tie(void **state)
{
    (void)state;
    /* "aa|a" and "a|aa" cost the same; the cut that reaches the end
     * from the earlier start stays. */
    static const toy_piece pieces[MOST] = {{"a", -1}, {"aa", -1}};
    expect_cut(pieces, "aaa", (int[]){3, 4, -1});
    static const toy_piece whole[MOST] = {{"a", -1}, {"b", -1}, {"ab", -2}};
    expect_cut(whole, "ab", (int[]){5, -1});
}

static void unknown_characters_join(void **state)
{
    (void)state;
    static const toy_piece pieces[MOST] = {{"a", -1}, {"\xE6\xBC\xA2", -2}};
    expect_cut(pieces, "xyz", (int[]){2, -1});
    expect_cut(pieces, "xay", (int[]){2, 3, 2, -1});
    expect_cut(pieces,
               "a\xE5\xAD\x97\xF0\x9F\x98\x80"
               "a",
               (int[]){3, 2, 3, -1});
    expect_cut(pieces, "\xE6\xBC\xA2\xE5\xAD\x97", (int[]){4, 2, -1});
    expect_cut(pieces, "\xE5", (int[]){2, -1}); /* fewer bytes than the first one promises */
}

/* A piece that is longer than the character does not stand in for it. */
static void an_uncovered_character_stays_possible(void **state)
{
    (void)state;
    static const toy_piece pieces[MOST] = {{"xy", -100}, {"y", -1}};
    /* least score -100: unknown costs -110, "xy" -100 alone */
    expect_cut(pieces, "xy", (int[]){3, -1});
    static const toy_piece dear[MOST] = {{"xy", -20}, {"y", 100}};
    /* unknown x (-30) and y (+100) beat xy (-20) */
    expect_cut(dear, "xy", (int[]){2, 4, -1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_likeliest_cut_wins),
        cmocka_unit_test(the_earlier_start_wins_a_tie),
        cmocka_unit_test(unknown_characters_join),
        cmocka_unit_test(an_uncovered_character_stays_possible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
