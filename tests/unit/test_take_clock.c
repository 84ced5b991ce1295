/* test_take_clock.c - how long the rest of a take will take, and what two threads tell of it. */
#include "pipeline/take_clock.h"
#include "tests/support/check.h"

static void the_rest_is_as_fast_as_what_was_measured(void **state)
{
    (void)state;
    take_clock c;
    take_clock_open(&c, NULL, NULL, NULL);
    assert_true(take_clock_left(&c) < 0); /* nothing is planned */
    take_clock_plan(&c, TAKE_REFINE, 100);
    assert_true(take_clock_left(&c) < 0); /* never measured */
    c.of[TAKE_REFINE].measured = 10;
    c.of[TAKE_REFINE].done = 10;
    c.of[TAKE_REFINE].seconds = 5;
    c.of[TAKE_REFINE].open_seconds = 100; /* is not done again */
    assert_true(take_clock_left(&c) == 45);
    take_clock_found(&c, TAKE_REFINE, 50); /* of the job folder: done, but nothing was measured */
    assert_true(take_clock_left(&c) == 20);
    take_clock_plan(&c, TAKE_DECODE, 4);
    assert_true(take_clock_left(&c) < 0); /* a stage with work left was not measured */
    take_clock_found(&c, TAKE_DECODE, 4);
    assert_true(take_clock_left(&c) == 20);
}

static void what_is_set_apart_counts_until_there_is_more(void **state)
{
    (void)state;
    take_clock c;
    take_clock_open(&c, NULL, NULL, NULL);
    take_clock_plan(&c, TAKE_DECODE, 13 + 10);
    c.of[TAKE_DECODE].done = c.of[TAKE_DECODE].measured = 13;
    c.of[TAKE_DECODE].seconds = 26;
    take_clock_set_apart(&c, TAKE_DECODE);
    assert_true(take_clock_left(&c) == 20);
    c.of[TAKE_DECODE].done += 5;
    c.of[TAKE_DECODE].measured += 5;
    c.of[TAKE_DECODE].seconds += 20;
    assert_true(take_clock_left(&c) == 20); /* 5 units at 4 seconds */
}

static void *decode_a_window(void *clock)
{
    take_clock *c = clock;
    take_clock_split(c);
    take_clock_enter(c, TAKE_DECODE, 0, 4, 1);
    (void)take_clock_step(c, 1, 0, NULL);
    return NULL;
}

/* What was told of either stage. */
typedef struct {
    int64_t window[TAKE_STAGES];
    int64_t step[TAKE_STAGES];
    int64_t steps[TAKE_STAGES];
} told;

static int hear(void *user, const longtake_event *e)
{
    told *t = user;
    const int s = strcmp(e->stage, "decode") == 0 ? TAKE_DECODE : TAKE_REFINE;
    t->window[s] = e->window;
    t->step[s] = e->step;
    t->steps[s] = e->steps;
    return 0;
}

static void two_threads_have_a_stage_each(void **state)
{
    (void)state;
    take_clock c;
    told t = {0};
    pthread_t second;
    take_clock_open(&c, NULL, hear, &t);
    take_clock_enter(&c, TAKE_REFINE, 1, 4, 50);
    assert_int_equal(pthread_create(&second, NULL, decode_a_window, &c), 0);
    assert_int_equal(pthread_join(second, NULL), 0);
    assert_int_equal(take_clock_step(&c, 7, 0, NULL), LT_OK);
    assert_int_equal(t.window[TAKE_REFINE], 1);
    assert_int_equal(t.step[TAKE_REFINE], 7);
    assert_int_equal(t.steps[TAKE_REFINE], 50);
    assert_int_equal(t.window[TAKE_DECODE], 0);
    assert_int_equal(t.step[TAKE_DECODE], 1);
    assert_int_equal(t.steps[TAKE_DECODE], 1);
}

/* A step that takes long is told as far as it is, by the thread whose step it is. */
static void a_long_step_is_told(void **state)
{
    (void)state;
    take_clock c;
    told t = {0};
    pthread_t second;
    take_clock_open(&c, NULL, hear, &t);
    take_clock_enter_quietly(&c, TAKE_REFINE, 0, 1, 0);
    take_clock_at(&c, 3, 90);
    assert_int_equal(pthread_create(&second, NULL, decode_a_window, &c), 0);
    assert_int_equal(pthread_join(second, NULL), 0);
    assert_int_equal(t.steps[TAKE_REFINE], 0); /* it waits for the next event */
    c.told -= 1;
    assert_false(take_clock_wait(&c));
    assert_int_equal(t.step[TAKE_REFINE], 3);
    assert_int_equal(t.steps[TAKE_REFINE], 90);
    assert_int_equal(t.steps[TAKE_DECODE], 1);
}

/* Four windows, of which the first is refined and decoded. */
static double left_of_two(double refine_seconds, double decode_seconds)
{
    take_clock c;
    pthread_t second;
    take_clock_open(&c, NULL, NULL, NULL);
    take_clock_enter(&c, TAKE_REFINE, 1, 4, 1);
    assert_int_equal(pthread_create(&second, NULL, decode_a_window, &c), 0);
    assert_int_equal(pthread_join(second, NULL), 0);
    c.of[TAKE_REFINE] =
        (take_stage_total){.total = 4, .done = 1, .measured = 1, .seconds = refine_seconds};
    c.of[TAKE_DECODE] =
        (take_stage_total){.total = 4, .done = 1, .measured = 1, .seconds = decode_seconds};
    return take_clock_left(&c);
}

static void of_two_threads_the_longer_one_counts(void **state)
{
    (void)state;
    assert_true(left_of_two(10, 2) == 3 * 10 + 2); /* and the last window's decoding */
    assert_true(left_of_two(2, 10) == 3 * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_is_as_fast_as_what_was_measured),
        cmocka_unit_test(what_is_set_apart_counts_until_there_is_more),
        cmocka_unit_test(two_threads_have_a_stage_each),
        cmocka_unit_test(a_long_step_is_told),
        cmocka_unit_test(of_two_threads_the_longer_one_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
