/* test_noise_schedule.c - levels bit by bit, and the coefficients of the released run. */
#include <math.h>
#include <stdlib.h>

#include "mmdit/noise_schedule.h"
#include "tests/support/check.h"

static uint32_t bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static dit_schedule *make(const cfg_mmdit *cfg, int steps)
{
    lt_error err = {0};
    dit_schedule *s = malloc(sizeof *s);
    assert_non_null(s);
    check_ok(dit_schedule_make(cfg, steps, s, &err), err);
    return s;
}

static void the_table_is_the_releases_to_the_bit(void **state)
{
    (void)state;
    static const struct {
        int timestep;
        uint32_t want;
    } rows[] = {{0, 0x3f7fac88},   {1, 0x3f7f5567},   {2, 0x3f7efe0f},   {10, 0x3f7c3b9c},
                {100, 0x3f5a7684}, {250, 0x3f1fad89}, {500, 0x3e9e14ce}, {750, 0x3dd537a6},
                {900, 0x3cfbe3b1}, {990, 0x3b15f777}, {998, 0x3982dead}, {999, 0}};
    float table[DIT_TIMESTEPS];
    dit_noise_table(table);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(bits(table[rows[i].timestep]), rows[i].want);
}

static void the_samplers_levels_are_rescaled_by_themselves(void **state)
{
    (void)state;
    static const struct {
        int step;
        uint32_t want;
    } rows[] = {{0, 0},           {1, 0x3bab0ef4},  {2, 0x3c32fcce}, {25, 0x3e9ec74e},
                {42, 0x3f4341a4}, {48, 0x3f72145c}, {49, 0x3f79541e}};
    const cfg_mmdit cfg = {.steps = 50};
    dit_schedule *s = make(&cfg, 0);
    assert_int_equal(s->steps, 50);
    assert_false(s->listed);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(bits(s->step[rows[i].step].a), rows[i].want);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(s->step[i].timestep, 999 - 20 * i);
        assert_int_equal(s->step[i].index, i < 42 ? 999 - 20 * i : 998 - 20 * i);
    }
    free(s);
}

static void near(double got, double want, double bound, const char *what, int step)
{
    if (!(fabs(got - want) <= bound * fabs(want)))
        fail_msg("step %d %s: got %.9g, want %.9g", step, what, got, want);
}

static void coefficients_of_the_released_run(void **state)
{
    (void)state;
    static const struct {
        int step;
        double b, m1, m2, k1, k2, noise;
    } rows[] = {
        {0, 0, 0, -0.005220288, 0, 0, 0.9999864},
        {1, 0.0052148215, 0.4778062, -0.008430244, 1, 0, 0.8784009},
        {2, 0.01091309, 0.6374432, -0.01017129, 1.304807, 0.3048074, 0.7703382},
        {10, 0.076295964, 0.873563, -0.02055435, 1.462857, 0.4628572, 0.4834486},
        {25, 0.30978954, 0.922137, -0.04528678, 1.490973, 0.4909735, 0.3488717},
        {42, 0.76347333, 0.849613, -0.1458044, 1.539958, 0.5399584, 0.2606365},
        {48, 0.94607151, 0.4720907, -0.5275198, 1.81545, 0.8154502, 0.1669204},
        {49, 0.97430557, 0, 0, 0, 0, 0},
    };
    const cfg_mmdit cfg = {.steps = 50};
    dit_schedule *s = make(&cfg, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const dit_step *got = &s->step[rows[i].step];
        near(got->c_skip, rows[i].b, 1e-7, "b", rows[i].step);
        near(got->c_out, -sqrt(1 - rows[i].b * rows[i].b), 1e-6, "c_out", rows[i].step);
        near(got->m1, rows[i].m1, 1e-6, "m1", rows[i].step);
        near(got->m2, rows[i].m2, 1e-6, "m2", rows[i].step);
        near(got->k1, rows[i].k1, 1e-6, "k1", rows[i].step);
        near(got->k2, rows[i].k2, 1e-6, "k2", rows[i].step);
        near(got->noise, rows[i].noise, 1e-6, "noise", rows[i].step);
    }
    free(s);
}

/* 999 - k 999/n with the quotient rounded first: at 99 steps the other order
 * gives 908 for step 9 and others. */
static void other_counts_truncate_as_the_release_does(void **state)
{
    (void)state;
    const cfg_mmdit cfg = {.steps = 50};
    dit_schedule *s = make(&cfg, 99);
    const double stride = -999.0 / 99;
    int apart = 0;
    for (int k = 0; k < 99; k++) {
        assert_int_equal(s->step[k].timestep, (int)(999 + k * stride));
        apart += s->step[k].timestep != (int)(999 - k * 999.0 / 99);
    }
    assert_true(apart > 0);
    free(s);
    s = make(&cfg, 1);
    assert_int_equal(s->step[0].timestep, 999);
    assert_true(s->step[0].a == 0.0f && s->step[0].c_skip == 0.0f && s->step[0].c_out == -1.0f);
    free(s);
}

static void a_list_follows_the_same_rules(void **state)
{
    (void)state;
    static const int list[] = {999, 930, 845, 745, 635, 515, 390, 265, 145, 45};
    cfg_mmdit cfg = {.steps = 10, .timestep_count = 10};
    memcpy(cfg.timesteps, list, sizeof list);
    dit_schedule *s = make(&cfg, 0);
    assert_true(s->listed);
    assert_int_equal(s->steps, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(s->step[i].timestep, list[i]);
        assert_true(abs(s->step[i].index - list[i]) <= 2);
        if (i > 0)
            assert_true(s->step[i].a > s->step[i - 1].a);
    }
    assert_true(s->step[0].a == 0.0f);
    free(s);

    s = make(&cfg, 8); /* another count: the release's spacing */
    assert_false(s->listed);
    assert_int_equal(s->step[7].timestep, 124);
    free(s);
}

static void bad_counts_and_lists_are_refused(void **state)
{
    (void)state;
    static dit_schedule s;
    cfg_mmdit cfg = {.steps = 50};
    lt_error err = {0};
    check_failed(dit_schedule_make(&cfg, 1000, &s, &err), err, LT_ERR_USAGE, "1000");
    err = (lt_error){0};
    check_failed(dit_schedule_make(&cfg, -1, &s, &err), err, LT_ERR_USAGE, "-1");
    cfg = (cfg_mmdit){.steps = 3, .timestep_count = 3, .timesteps = {999, 500, 500}};
    err = (lt_error){0};
    check_failed(dit_schedule_make(&cfg, 0, &s, &err), err, LT_ERR_INPUT, "value 2 is 500");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_the_releases_to_the_bit),
        cmocka_unit_test(the_samplers_levels_are_rescaled_by_themselves),
        cmocka_unit_test(coefficients_of_the_released_run),
        cmocka_unit_test(other_counts_truncate_as_the_release_does),
        cmocka_unit_test(a_list_follows_the_same_rules),
        cmocka_unit_test(bad_counts_and_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
