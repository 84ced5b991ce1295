/* test_seam_fade.c - the first new frame goes on from the reference, the last
 * of the fade from the decoder. */
#include "pipeline/seam_fade.h"
#include "tests/support/check.h"

enum { FRAMES = TAKE_FADE_FRAMES + 2 };

static void fades_out(void **state)
{
    (void)state;
    static const uint8_t shown[3] = {100, 10, 250};
    static const uint8_t decoded[3] = {68, 42, 250};
    uint8_t frames[FRAMES][3];
    for (int k = 0; k < FRAMES; k++)
        frames[k][0] = 70, frames[k][1] = 40, frames[k][2] = 251;
    take_seam_fade(shown, decoded, frames[0], FRAMES, 3, -1);
    for (int k = 0; k < FRAMES; k++) {
        const int part = k < TAKE_FADE_FRAMES ? 32 * (TAKE_FADE_FRAMES - k) / TAKE_FADE_FRAMES : 0;
        assert_int_equal(frames[k][0], 70 + part);
        assert_int_equal(frames[k][1], 40 - part);
        assert_int_equal(frames[k][2], 251);
    }
}

static void what_has_moved_on_stays(void **state)
{
    (void)state;
    static const uint8_t shown[3] = {132, 132, 132};
    static const uint8_t decoded[3] = {100, 100, 100};
    uint8_t frame[3] = {108, 124, 140}; /* still; half of it; another thing */
    take_seam_fade(shown, decoded, frame, 1, 3, -1);
    static const uint8_t want[3] = {140, 140, 140};
    assert_memory_equal(frame, want, sizeof want);
}

static void stays_in_range(void **state)
{
    (void)state;
    static const uint8_t shown[2] = {255, 0};
    static const uint8_t decoded[2] = {0, 255};
    uint8_t frame[2] = {9, 250};
    take_seam_fade(shown, decoded, frame, 1, 2, -1);
    assert_int_equal(frame[0], 255);
    assert_int_equal(frame[1], 0);
}

static void a_faithful_decoder_changes_nothing(void **state)
{
    (void)state;
    static const uint8_t same[2] = {17, 200};
    uint8_t frames[4] = {1, 2, 3, 4};
    take_seam_fade(same, same, frames, 2, 2, -1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(frames[i], i + 1);
}

static void a_jump_is_gone_in_usual_steps(void **state)
{
    (void)state;
    static const uint8_t shown[1] = {100};
    uint8_t frames[6] = {120, 121, 122, 123, 124, 125};
    assert_int_equal(take_seam_fade(shown, shown, frames, 6, 1, 5), 3);
    static const uint8_t want[6] = {105, 111, 117, 123, 124, 125};
    assert_memory_equal(frames, want, sizeof want);
    assert_true(take_picture_difference(shown, frames, 1) <= 5);
    /* A still reference: in as many frames as there are. */
    uint8_t still[2] = {116, 116};
    assert_int_equal(take_seam_fade(shown, shown, still, 2, 1, 0), TAKE_DISSOLVE_FRAMES - 1);
    assert_int_equal(still[0], 101);
    assert_int_equal(still[1], 102);
}

static void other_pictures_are_dissolved_into(void **state)
{
    (void)state;
    enum { STEPS = TAKE_FADE_FRAMES + 1 };
    static const uint8_t shown[2] = {0, 200};
    uint8_t frames[STEPS + 1][2];
    for (int k = 0; k < STEPS + 1; k++)
        frames[k][0] = (uint8_t)(10 * k), frames[k][1] = 30;
    assert_int_equal(take_seam_dissolve(shown, frames[0], STEPS + 1, 2, 1000), STEPS - 1);
    for (int k = 0; k < STEPS + 1; k++) {
        const int left = k < STEPS ? STEPS - 1 - k : 0;
        assert_int_equal(frames[k][0], 10 * k + (0 - 10 * k) * left / STEPS);
        assert_int_equal(frames[k][1], 30 + 170 * left / STEPS);
    }
    uint8_t far[1][1] = {{240}};
    static const uint8_t black[1] = {0};
    assert_int_equal(take_seam_dissolve(black, far[0], 1, 1, 12), 19);
    assert_int_equal(far[0][0], 12);
}

static void measures_the_usual_change(void **state)
{
    (void)state;
    static const uint8_t frames[] = {0, 0, 1, 1, 9, 9, 12, 12};
    assert_float_equal(take_usual_change(frames, 4, 2), 3, 0);
    assert_float_equal(take_usual_change(frames, 2, 2), 1, 0);
    assert_float_equal(take_usual_change(frames, 1, 2), -1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fades_out),
                                       cmocka_unit_test(what_has_moved_on_stays),
                                       cmocka_unit_test(stays_in_range),
                                       cmocka_unit_test(a_faithful_decoder_changes_nothing),
                                       cmocka_unit_test(a_jump_is_gone_in_usual_steps),
                                       cmocka_unit_test(other_pictures_are_dissolved_into),
                                       cmocka_unit_test(measures_the_usual_change)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
