/* test_take_clock.c - how long the rest of a take will take. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_is_as_fast_as_what_was_measured),
        cmocka_unit_test(what_is_set_apart_counts_until_there_is_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
