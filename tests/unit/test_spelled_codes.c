/* test_spelled_codes.c - how far an object has come is told from where it is, and from nothing
 * else. */
#include "tokenizer/spelled_codes.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "tests/support/check.h"

enum {
    COLUMNS = 12,
    ROWS = 8,
    LEARNED = 5,
    CODES = COLUMNS + ROWS + LEARNED + CFG_SPELLED_WHOLE,
    FIRST = 100,
    MIDDLE = CFG_SPELLED_LEVELS / 2,
    PATCH = 16,
    FRAMES = 4,
    RADIUS = CODES - 4,
    ANGLE,
    ACROSS,
    DOWN
};

static const cfg_tokenizer sizes = {.theia = {.patch_size = PATCH},
                                    .temporal_size = 1,
                                    .grid_height = ROWS,
                                    .grid_width = COLUMNS,
                                    .i_tokens = CODES,
                                    .codebook_size = FIRST + CFG_SPELLED_ENTRIES,
                                    .spelled_codes = FIRST,
                                    .spelled_step = 1.5,
                                    .spelled_pace = 1.25};

static int32_t entry(int word, int level)
{
    return FIRST + word * CFG_SPELLED_LEVELS + level;
}

static int32_t whole(int quantity, int level)
{
    return entry(CFG_SPELLED_WORDS + quantity, level);
}

static int32_t way(int word, double from, double to)
{
    const int level = MIDDLE + (int)lround((to - from) / sizes.spelled_step);
    return entry(word, level < 0 ? 0 : level > 63 ? 63 : level);
}

static int word_of(int32_t code)
{
    return (code - FIRST) / CFG_SPELLED_LEVELS;
}

/* A frame with object 3 in colour 5 at x, y, which is at rest. */
static void spell(double x, double y, int32_t *codes)
{
    for (int i = 0; i < COLUMNS; i++)
        codes[i] = way(3, (i + 0.5) * PATCH, x);
    for (int i = 0; i < ROWS; i++)
        codes[COLUMNS + i] = way(5, (i + 0.5) * PATCH, y);
    for (int i = 0; i < LEARNED; i++)
        codes[COLUMNS + ROWS + i] = i;
    for (int q = 0; q < CFG_SPELLED_WHOLE; q++)
        codes[RADIUS + q] = whole(q, q < 2 ? 7 : MIDDLE);
}

static void check_motion(const int32_t *codes, int across, int down)
{
    assert_int_equal(codes[ACROSS], whole(2, MIDDLE + across));
    assert_int_equal(codes[DOWN], whole(3, MIDDLE + down));
}

static void check_same(const int32_t *got, const int32_t *want, int frames)
{
    for (int i = 0; i < frames * CODES; i++)
        if (got[i] != want[i])
            fail_msg("frame %d, code %d: got %d, want %d", i / CODES, i % CODES, got[i], want[i]);
}

static void follow(const cfg_tokenizer *cfg, int32_t *codes, int frames)
{
    lt_error err = {0};
    check_ok(tok_follow_object(cfg, codes, frames, &err), err);
}

static void motion_is_how_far_it_has_come(void **state)
{
    (void)state;
    int32_t codes[FRAMES][CODES];
    int32_t before[FRAMES][CODES];
    spell(40, 60, codes[0]);
    spell(50, 60, codes[1]);   /* 8 levels */
    spell(50, 30, codes[2]);   /* -24 */
    spell(49, 32.5, codes[3]); /* what one level of a way does not tell, many do */
    memcpy(before, codes, sizeof codes);
    follow(&sizes, codes[0], FRAMES);
    check_motion(codes[0], 8, 0); /* as the second */
    check_motion(codes[1], 8, 0);
    check_motion(codes[2], 0, -24);
    check_motion(codes[3], -1, 2);
    for (int f = 0; f < FRAMES; f++)
        assert_memory_equal(codes[f] + COLUMNS + ROWS, before[f] + COLUMNS + ROWS,
                            (LEARNED + 2) * sizeof codes[f][0]);
}

static void wrong_codes_are_outvoted(void **state)
{
    (void)state;
    int32_t right[FRAMES][CODES];
    int32_t codes[FRAMES][CODES];
    for (int f = 0; f < FRAMES; f++)
        spell(40, 60, right[f]);
    memcpy(codes, right, sizeof codes);
    codes[1][2] = way(9, 2.5 * PATCH, 20); /* another object somewhere else */
    codes[1][4] = 3;                       /* a learned one */
    codes[0][COLUMNS] = whole(0, 12);
    for (int i = 0; i < COLUMNS; i++) /* one frame says that it is something else */
        codes[2][i] = way(6, (i + 0.5) * PATCH, 40);
    follow(&sizes, codes[0], FRAMES);
    for (int f = 0; f < FRAMES; f++)
        for (int i = 0; i < COLUMNS + ROWS; i++) {
            const int off = codes[f][i] - right[f][i];
            assert_in_range(off + 1, 0, 2); /* the same word, a level away at most */
        }
}

/* Words of columns are objects of two sizes: what it is is voted for, how large it is each frame
 * says. */
static void a_size_is_a_frames_own(void **state)
{
    (void)state;
    int32_t codes[FRAMES][CODES];
    for (int f = 0; f < FRAMES; f++)
        spell(40, 60, codes[f]);
    for (int i = 0; i < COLUMNS; i++)
        codes[2][i] = way(6 + 8, (i + 0.5) * PATCH, 40);
    follow(&sizes, codes[0], FRAMES);
    assert_int_equal(word_of(codes[1][0]), 3);
    assert_int_equal(word_of(codes[2][0]), 3 + 8);
}

/* An object of another colour is another one, be it shown for a moment; what turns another colour
 * stays what it is. */
static void what_has_another_colour_has_a_vote_of_its_own(void **state)
{
    (void)state;
    enum { LONG = 40, CHANGE = 17 };
    static int32_t codes[LONG][CODES];
    for (int f = 0; f < LONG; f++) {
        const bool other = f % 2 == 1 && f < CHANGE;
        spell(40, 60, codes[f]);
        for (int i = 0; i < COLUMNS && other; i++)
            codes[f][i] = way(6, (i + 0.5) * PATCH, 40);
        for (int i = 0; i < ROWS && (other || f >= CHANGE); i++)
            codes[f][COLUMNS + i] = way(other ? 2 : 4, (i + 0.5) * PATCH, 60);
    }
    codes[CHANGE][COLUMNS] = way(9, 0.5 * PATCH, 60);
    follow(&sizes, codes[0], LONG);
    for (int f = 0; f < LONG; f++) {
        const bool other = f % 2 == 1 && f < CHANGE;
        assert_int_equal(word_of(codes[f][0]), other ? 6 : 3);
        assert_int_equal(word_of(codes[f][COLUMNS]), other ? 2 : f < CHANGE ? 5 : 4);
    }
}

/* Says that the object of a frame has come so many levels across. */
static void move(int32_t *codes, int levels)
{
    codes[ACROSS] = whole(2, MIDDLE + levels);
}

static void what_is_out_of_sight_is_named_alone(void **state)
{
    (void)state;
    int32_t codes[FRAMES][CODES];
    spell(40, 60, codes[0]);
    spell(120, 60, codes[1]); /* farther than levels reach: another one */
    for (int i = 0; i < COLUMNS; i++)
        codes[2][i] = entry(0, 63);
    for (int i = 0; i < ROWS; i++)
        codes[2][COLUMNS + i] = entry(0, 0);
    for (int i = COLUMNS + ROWS; i < CODES; i++)
        codes[2][i] = codes[0][i];
    spell(122, 80, codes[3]);
    for (int f = 0; f < FRAMES; f++)
        move(codes[f], f);
    follow(&sizes, codes[0], FRAMES);
    for (int f = 0; f < FRAMES; f++)
        check_motion(codes[f], f, 0); /* as it was */
    assert_int_equal(codes[2][0], entry(3, 63));
    assert_int_equal(codes[2][COLUMNS], entry(5, 0));
}

/* A cut to another object nearby is no motion; what has only turned another colour moves on. */
static void another_object_has_not_moved_there(void **state)
{
    (void)state;
    int32_t codes[2][CODES];
    spell(40, 60, codes[0]);
    spell(50, 60, codes[1]);
    for (int i = 0; i < ROWS; i++)
        codes[1][COLUMNS + i] = way(2, (i + 0.5) * PATCH, 60);
    follow(&sizes, codes[0], 2);
    check_motion(codes[1], 8, 0);
    for (int i = 0; i < COLUMNS; i++)
        codes[1][i] = way(6, (i + 0.5) * PATCH, 50);
    move(codes[0], 3);
    move(codes[1], 5);
    follow(&sizes, codes[0], 2);
    check_motion(codes[0], 3, 0);
    check_motion(codes[1], 5, 0);
}

static void what_has_no_such_codes_stays(void **state)
{
    (void)state;
    int32_t codes[2][CODES];
    int32_t before[2][CODES];
    cfg_tokenizer none = sizes;
    none.spelled_codes = 0;
    spell(40, 60, codes[0]);
    spell(50, 60, codes[1]);
    memcpy(before, codes, sizeof codes);
    follow(&none, codes[0], 2);
    follow(&sizes, codes[0], 0);
    check_same(codes[0], before[0], 2);
    for (int i = 0; i < CODES; i++) /* nothing says a word */
        codes[0][i] = i;
    memcpy(before, codes, sizeof codes);
    follow(&sizes, codes[0], 1);
    check_same(codes[0], before[0], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(motion_is_how_far_it_has_come),
        cmocka_unit_test(wrong_codes_are_outvoted),
        cmocka_unit_test(a_size_is_a_frames_own),
        cmocka_unit_test(what_has_another_colour_has_a_vote_of_its_own),
        cmocka_unit_test(what_is_out_of_sight_is_named_alone),
        cmocka_unit_test(another_object_has_not_moved_there),
        cmocka_unit_test(what_has_no_such_codes_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
