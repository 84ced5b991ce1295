/* test_speed_plan.c - how many steps, at which timesteps, by which solver, and what is taken over
 * from the step before. */
#include "mmdit/speed_plan.h"

#include <math.h>
#include <stdlib.h>

#include "tests/support/check.h"

static const cfg_mmdit released = {.steps = 50};
static const cfg_mmdit listed = {
    .steps = 4, .timestep_count = 4, .timesteps = {999, 845, 635, 390}};

static dit_schedule *make(dit_speed speed, const cfg_mmdit *cfg)
{
    lt_error err = {0};
    dit_schedule *s = malloc(sizeof *s);
    assert_non_null(s);
    check_ok(dit_speed_schedule(speed, cfg, 0, s, &err), err);
    return s;
}

static void shortens_a_run(void **state)
{
    (void)state;
    assert_int_equal(dit_speed_steps(DIT_EXACT, 50), 50);
    assert_int_equal(dit_speed_steps(DIT_FAST, 50), 30);
    assert_int_equal(dit_speed_steps(DIT_FASTER, 50), 15);
    assert_int_equal(dit_speed_steps(DIT_FASTER, 1), 1);
    static const struct {
        dit_speed speed;
        int steps;
        int timestep[4];
    } lists[] = {{DIT_EXACT, 4, {999, 845, 635, 390}},
                 {DIT_FAST, 3, {999, 635, 390}},
                 {DIT_FASTER, 2, {999, 390}}};
    for (int k = 0; k < 3; k++) {
        dit_schedule *s = make(lists[k].speed, &listed);
        assert_int_equal(s->steps, lists[k].steps);
        for (int i = 0; i < s->steps; i++)
            assert_int_equal(s->step[i].timestep, lists[k].timestep[i]);
        free(s);
    }
}

/* x = a x0 + sqrt(1 - a^2) e with the true x0 as every answer: a solver
 * without noise stays on that line. */
static void the_solver_without_noise_stays_on_the_line(void **state)
{
    (void)state;
    static const cfg_mmdit *const configs[] = {&released, &listed};
    for (int k = 0; k < 2; k++) {
        dit_schedule *s = make(DIT_FAST, configs[k]);
        const double x0 = 0.7;
        const double e = -1.3;
        double x = e;
        for (int i = 0; i + 1 < s->steps; i++) {
            const dit_step *step = &s->step[i];
            assert_true(step->noise == 0.0f);
            x = (double)step->m1 * x - (double)step->m2 * x0;
            const double a = (double)s->step[i + 1].a;
            assert_true(fabs(x - (a * x0 + sqrt(1 - a * a) * e)) < 2e-4);
        }
        free(s);
    }
}

static void exact_leaves_nothing_out(void **state)
{
    (void)state;
    dit_schedule *s = make(DIT_EXACT, &released);
    double scale[50];
    dit_step_plan plan[50];
    for (int i = 0; i < 50; i++)
        scale[i] = i == 7 ? 1.0 : 1.000001;
    dit_speed_plan(DIT_EXACT, s, scale, DIT_GUIDANCE_CFG, plan);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(plan[i].guide, i == 7 ? DIT_GUIDE_OFF : DIT_GUIDE_NOW);
        assert_false(plan[i].keeps || plan[i].reuses);
    }
    free(s);
}

static void every_second_of_near_steps_takes_over(void **state)
{
    (void)state;
    dit_schedule *s = make(DIT_FAST, &released);
    double scale[30];
    dit_step_plan plan[30];
    for (int i = 0; i < 30; i++)
        scale[i] = i < 20 ? 6.0 : 1.05;
    dit_speed_plan(DIT_FAST, s, scale, DIT_GUIDANCE_CFG, plan);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(plan[i].reuses, i % 2 == 1);
        assert_int_equal(plan[i].keeps, i % 2 == 0);
        assert_int_equal(plan[i].guide, i >= 20      ? DIT_GUIDE_OFF
                                        : i % 2 == 0 ? DIT_GUIDE_NOW
                                                     : DIT_GUIDE_KEPT);
    }
    dit_speed_plan(DIT_FAST, s, scale, DIT_GUIDANCE_APG, plan); /* projects each difference anew */
    assert_int_equal(plan[1].guide, DIT_GUIDE_NOW);
    free(s);
    s = make(DIT_FAST, &listed); /* far apart */
    for (int i = 0; i < 4; i++)
        scale[i] = 3;
    dit_speed_plan(DIT_FAST, s, scale, DIT_GUIDANCE_CFG, plan);
    for (int i = 0; i < 3; i++)
        assert_true(plan[i].guide == DIT_GUIDE_NOW && !plan[i].reuses && !plan[i].keeps);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortens_a_run),
        cmocka_unit_test(the_solver_without_noise_stays_on_the_line),
        cmocka_unit_test(exact_leaves_nothing_out),
        cmocka_unit_test(every_second_of_near_steps_takes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
