/* test_take_seam.c - what is measured at borders, also of frames that were seen in another run. */
#include "pipeline/take_seam.h"

#include "tests/support/check.h"

enum { FRAMES = 17, BYTES = 2 };

/* Two windows of nine frames and eight; each frame is one grey level from the one before, and the
 * second window is `jump` away. */
static void draw(uint8_t frames[FRAMES][BYTES], int jump)
{
    for (int i = 0; i < FRAMES; i++)
        memset(frames[i], 10 + i + (i < 9 ? 0 : jump - 1), BYTES);
}

static take_timeline two_windows(void)
{
    const take_timeline t = take_timeline_of(FRAMES, 3, 1, 13);
    assert_int_equal(t.windows, 2);
    assert_int_equal(take_window_at(&t, 1).first_frame, 9);
    return t;
}

static void open_changes(take_changes *c)
{
    lt_error err = {0};
    check_ok(take_changes_open(c, FRAMES, BYTES, &err), err);
}

static void check_worst(const take_changes *c, double seam, int64_t window)
{
    const take_timeline t = two_windows();
    const take_seam worst = take_worst_seam(c, &t);
    if (worst.worst_seam != seam || worst.seam_window != window)
        fail_msg("got %g before window %lld, want %g before %lld", worst.worst_seam,
                 (long long)worst.seam_window, seam, (long long)window);
}

static void a_border_is_measured(void **state)
{
    (void)state;
    uint8_t frames[FRAMES][BYTES];
    take_changes c;
    draw(frames, 5);
    open_changes(&c);
    take_changes_saw(&c, 0, 9, frames[0]);
    check_worst(&c, 0, -1);
    take_changes_saw(&c, 9, 8, frames[9]);
    check_worst(&c, 5, 1);
    take_changes_close(&c);
}

/* The first window's frames were seen by a run before, which left what is kept of them. */
static void what_was_kept_measures_the_same(void **state)
{
    (void)state;
    uint8_t frames[FRAMES][BYTES];
    uint8_t last[BYTES];
    double kept[9];
    take_changes c;
    draw(frames, 5);
    open_changes(&c);
    take_changes_saw(&c, 0, 9, frames[0]);
    assert_int_equal(take_changes_bytes(9), sizeof kept);
    take_changes_put(&c, 0, 9, kept);
    take_changes_put_last(&c, last);
    take_changes_close(&c);
    open_changes(&c);
    take_changes_get(&c, 0, 9, kept);
    take_changes_get_last(&c, 8, last);
    take_changes_saw(&c, 9, 8, frames[9]);
    check_worst(&c, 5, 1);
    take_changes_close(&c);
}

/* Compared with another frame than the one before it, it would be measured wrong. */
static void without_the_frame_before_nothing_is(void **state)
{
    (void)state;
    uint8_t frames[FRAMES][BYTES];
    take_changes c;
    draw(frames, 5);
    open_changes(&c);
    take_changes_saw(&c, 0, 5, frames[0]);
    take_changes_saw(&c, 9, 8, frames[9]);
    assert_true(c.change[9] == 0);
    check_worst(&c, 0, -1);
    take_changes_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_border_is_measured),
        cmocka_unit_test(what_was_kept_measures_the_same),
        cmocka_unit_test(without_the_frame_before_nothing_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
