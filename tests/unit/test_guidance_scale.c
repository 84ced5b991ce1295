/* test_guidance_scale.c - the released weights, the ramp that was meant, and a constant. */
#include <math.h>

#include "mmdit/guidance_scale.h"
#include "tests/support/check.h"

static void the_releases_weights_jump_as_published(void **state)
{
    (void)state;
    static const struct {
        int step;
        double want;
    } rows[] = {{0, 2.291487175},  {1, 2.543502867},  {2, 6.974351832},  {6, 1.037597718},
                {10, 1.004788961}, {25, 1.521265694}, {35, 6.999941019}, {44, 6.999644507},
                {47, 1.000000529}, {48, 1.000003932}, {49, 1.123397940}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double w =
            dit_guidance_scale(DIT_SCALE_OFFICIAL, 6, rows[i].step, 50, 999 - 20 * rows[i].step);
        if (!(fabs(w - rows[i].want) <= 1e-8))
            fail_msg("step %d: got %.10f, want %.10f", rows[i].step, w, rows[i].want);
    }
}

/* With another number of steps the counter starts from it, but the divisor stays 50. */
static void the_divisor_stays_fifty(void **state)
{
    (void)state;
    const double x = (30 - 999) / 50.0;
    const double want = 1 + 6 * (1 - cos(3.14159265358979323846 * pow(x, 5))) / 2;
    assert_true(dit_guidance_scale(DIT_SCALE_OFFICIAL, 6, 0, 30, 999) == want);
}

static void the_ramp_rises_from_one(void **state)
{
    (void)state;
    double before = 0;
    /* no unconditional pass */
    assert_true(dit_guidance_scale(DIT_SCALE_RAMP, 6, 0, 50, 999) == 1.0);
    for (int i = 0; i < 50; i++) {
        const double w = dit_guidance_scale(DIT_SCALE_RAMP, 6, i, 50, 999 - 20 * i);
        assert_true(w >= before && w <= 7);
        before = w;
    }
    assert_true(before > 6.5);
}

static void a_constant_is_the_weight(void **state)
{
    (void)state;
    assert_true(dit_guidance_scale(DIT_SCALE_CONSTANT, 1.0, 3, 10, 745) == 1.0);
    assert_true(dit_guidance_scale(DIT_SCALE_CONSTANT, 2.5, 3, 10, 745) == 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_releases_weights_jump_as_published),
        cmocka_unit_test(the_divisor_stays_fifty),
        cmocka_unit_test(the_ramp_rises_from_one),
        cmocka_unit_test(a_constant_is_the_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
