/* test_timeline.c - the time grid against the table of the design. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/timeline.h"

static void lengths(void **state)
{
    (void)state;
    static const struct {
        int64_t frames;
        int window, overlap;
        int64_t latents, windows, segments;
    } row[] = {
        {1, 13, 7, 13, 1, 1},     {49, 13, 7, 13, 1, 1},      {50, 13, 7, 19, 2, 2},
        {73, 13, 7, 19, 2, 2},    {74, 13, 7, 25, 3, 2},      {240, 13, 7, 61, 9, 5},
        {241, 13, 7, 61, 9, 5},   {2400, 13, 7, 601, 99, 47}, {240, 13, 1, 61, 5, 5},
        {240, 13, 11, 61, 25, 5}, {17, 5, 3, 5, 1, 1},        {18, 5, 3, 7, 2, 1},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const take_timeline t = take_timeline_of(row[i].frames, row[i].window, row[i].overlap, 13);
        assert_int_equal(t.latents, row[i].latents);
        assert_int_equal(t.windows, row[i].windows);
        assert_int_equal(t.segments, row[i].segments);
    }
}

static void windows_tile_the_take(void **state)
{
    (void)state;
    for (int64_t frames = 1; frames < 400; frames += 7)
        for (int overlap = 1; overlap < 13; overlap += 2) {
            const take_timeline t = take_timeline_of(frames, 13, overlap, 13);
            int64_t next = 0;
            int64_t delivered = 0;
            for (int64_t c = 0; c < t.windows; c++) {
                const take_window w = take_window_at(&t, c);
                assert_int_equal(w.first_frame, next);
                next += w.frames;
                delivered += w.delivered;
                /* in the last latent that is shown, or with it */
                const int64_t end = w.first_frame + w.delivered;
                assert_true(take_frames_of_latents(w.first_latent + w.shown) >= end);
                assert_true(take_frames_of_latents(w.first_latent + w.shown - 1) < end);
                assert_true(w.shown <= w.latents && (w.shown == w.latents || c + 1 == t.windows));
            }
            assert_int_equal(next, take_frames_of_latents(t.latents));
            assert_int_equal(delivered, frames);
        }
}

static void first_frames_of_windows(void **state)
{
    (void)state;
    const take_timeline t = take_timeline_of(240, 13, 7, 13);
    const take_window first = take_window_at(&t, 0);
    assert_int_equal(first.frames, 49);
    const take_window second = take_window_at(&t, 1);
    assert_int_equal(second.first_latent, 6);
    assert_int_equal(second.first_frame, 49);
    assert_int_equal(second.frames, 24);
    const take_window last = take_window_at(&t, 8);
    assert_int_equal(last.frames, 24);
    assert_int_equal(last.delivered, 23);
    assert_int_equal(take_segment_frames(&t, 3), 13);
    assert_int_equal(take_segment_frames(&t, 4), 9);
}

static void changes(void **state)
{
    (void)state;
    const take_timeline t = take_timeline_of(240, 13, 7, 13);
    assert_int_equal(take_window_of_change(&t, 0), 0);
    assert_int_equal(take_segment_of_change(&t, 0), 0);
    assert_int_equal(take_window_of_change(&t, 1), 1);
    assert_int_equal(take_window_of_change(&t, 49), 1);
    assert_int_equal(take_window_of_change(&t, 50), 2);
    assert_int_equal(take_segment_of_change(&t, 52), 1);
    assert_int_equal(take_segment_of_change(&t, 53), 2);
    /* every change takes effect at the first window that begins at or after it */
    for (int64_t at = 1; at < 300; at++) {
        const int64_t c = take_window_of_change(&t, at);
        assert_true(take_window_at(&t, c).first_frame >= at);
        assert_true(c == 1 || take_window_at(&t, c - 1).first_frame < at);
    }
}

static void windows_go_on_from_a_reference(void **state)
{
    (void)state;
    for (int64_t reference = 1; reference < 40; reference++)
        for (int overlap = 1; overlap < 13; overlap += 2) {
            const int64_t before = take_frames_of_latents(reference);
            const take_timeline t = take_timeline_after(reference, before + 100, 13, overlap, 13);
            int64_t next = before;
            int64_t delivered = 0;
            for (int64_t c = 0; c < t.windows; c++) {
                const take_window w = take_window_at(&t, c);
                assert_int_equal(w.first_frame, next);
                assert_int_equal(w.known, c > 0 || reference > overlap ? overlap : reference);
                next += w.frames;
                delivered += w.delivered;
            }
            assert_int_equal(next, take_frames_of_latents(t.latents));
            assert_int_equal(delivered, 100);
            assert_int_equal(t.segments, (t.latents + 12) / 13);
        }
}

static void a_reference_moves_the_windows(void **state)
{
    (void)state;
    const take_timeline t = take_timeline_after(20, 77 + 96, 13, 7, 13);
    assert_int_equal(t.base, 13);
    assert_int_equal(t.windows, 4);
    const take_window first = take_window_at(&t, 0);
    assert_int_equal(first.first_latent, 13);
    assert_int_equal(first.first_frame, 77);
    assert_int_equal(first.frames, 24);
    assert_int_equal(take_window_of_change(&t, 0), 0);
    assert_int_equal(take_window_of_change(&t, 77), 0);
    assert_int_equal(take_window_of_change(&t, 78), 1);
    assert_int_equal(take_window_of_change(&t, 101), 1);
    assert_int_equal(take_window_of_change(&t, 102), 2);
    const take_timeline picture = take_timeline_after(1, 49, 13, 7, 13);
    assert_int_equal(picture.windows, 1);
    assert_int_equal(take_window_at(&picture, 0).first_frame, 1);
    assert_int_equal(take_window_at(&picture, 0).frames, 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(windows_tile_the_take),
        cmocka_unit_test(first_frames_of_windows),
        cmocka_unit_test(changes),
        cmocka_unit_test(windows_go_on_from_a_reference),
        cmocka_unit_test(a_reference_moves_the_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
