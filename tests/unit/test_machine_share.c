/* Where the time of a stage went: the parts sum to the whole. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/measure/machine_share.h"

static const take_rates machine = {.flop = 100, .bytes = 10};

static bool close_to(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void the_slower_of_both_decides(void **state)
{
    (void)state;
    const lt_op_total computes = {.flop = 300, .bytes = 10};
    const lt_op_total reads = {.flop = 300, .bytes = 50};
    assert_true(close_to(take_least_seconds(&computes, &machine), 3));
    assert_true(close_to(take_least_seconds(&reads, &machine), 5));
}

static void parts_sum_to_the_whole(void **state)
{
    (void)state;
    lt_op_total total[LT_OP_COUNT] = {{0}};
    total[LT_OP_LINEAR] = (lt_op_total){.calls = 1, .seconds = 4, .flop = 300};
    total[LT_OP_COPY] = (lt_op_total){.calls = 1, .seconds = 1, .bytes = 5};
    /* faster than its multiplications */
    total[LT_OP_CONV] = (lt_op_total){.calls = 1, .seconds = 2, .flop = 400};
    const take_share s = take_share_of(total, 10, &machine);
    assert_true(close_to(s.best, 0.3 + 0.05 + 0.2));
    assert_true(close_to(s.rest[LT_OP_LINEAR], 0.1));
    assert_true(close_to(s.rest[LT_OP_COPY], 0.05));
    assert_true(close_to(s.rest[LT_OP_CONV], 0));
    assert_true(close_to(s.outside, 0.3));
}

/* Without a time of the whole it is that of the operations; without
 * operations nothing is divided by it. */
static void time_of_the_operations_alone(void **state)
{
    (void)state;
    lt_op_total total[LT_OP_COUNT] = {{0}};
    take_share s = take_share_of(total, 0, &machine);
    assert_true(s.seconds == 0 && s.best == 0 && s.outside == 0);
    total[LT_OP_LINEAR] = (lt_op_total){.calls = 1, .seconds = 4, .flop = 100};
    s = take_share_of(total, 0, &machine);
    assert_true(close_to(s.seconds, 4) && close_to(s.best, 0.25) &&
                close_to(s.rest[LT_OP_LINEAR], 0.75) && s.outside == 0);
}

static void json_has_what_counts(void **state)
{
    (void)state;
    const take_share s = {
        .best = 0.5, .rest = {[LT_OP_LINEAR] = 0.4, [LT_OP_FILL] = 1e-5}, .outside = 0.1};
    lt_json *o = lt_json_new_object();
    take_share_to_json(&s, o);
    char *text = lt_json_text(o);
    lt_json_free(o);
    assert_non_null(text);
    assert_non_null(strstr(text, "\"share_of_machine\":0.5"));
    assert_non_null(strstr(text, "\"linear\":0.4"));
    assert_non_null(strstr(text, "\"outside\":0.1"));
    assert_null(strstr(text, "fill"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slower_of_both_decides),
        cmocka_unit_test(parts_sum_to_the_whole),
        cmocka_unit_test(time_of_the_operations_alone),
        cmocka_unit_test(json_has_what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
