/* test_position_resize.c - bicubic resizing against the release's weights,
 * and what it must leave alone. */
#include <math.h>

#include "tests/support/check.h"
#include "tokenizer/tok_network.h"

static void weights_of_14_to_45(void **state)
{
    (void)state;
    static const struct {
        int i, first;
        double weights[4];
    } known[] = {{0, -2, {-0.0583323, 0.3852143, 0.7841375, -0.1110195}},
                 {1, -2, {-0.0008056, 0.0266204, 0.9975463, -0.0233611}},
                 {22, 5, {-0.09375, 0.59375, 0.59375, -0.09375}},
                 {44, 12, {-0.1110195, 0.7841375, 0.3852143, -0.0583323}}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        int first;
        double weights[4];
        tok_cubic_taps(14, 45, known[i].i, &first, weights);
        assert_int_equal(first, known[i].first);
        for (int p = 0; p < 4; p++)
            assert_true(fabs(weights[p] - known[i].weights[p]) < 1e-7);
    }
}

static void a_constant_stays_constant(void **state)
{
    (void)state;
    float table[3 * 3 * 2];
    float out[5 * 5 * 2];
    for (int i = 0; i < 18; i++)
        table[i] = i % 2 ? -2.0f : 1.0f;
    tok_resize_positions(table, 3, 5, 2, out);
    for (int i = 0; i < 50; i++)
        assert_float_equal(out[i], (i % 2 ? -2.0f : 1.0f), 1e-6f);
}

static void the_same_size_changes_nothing(void **state)
{
    (void)state;
    float table[4 * 4 * 3];
    float out[4 * 4 * 3];
    for (int i = 0; i < 48; i++)
        table[i] = (float)(i * i % 17);
    tok_resize_positions(table, 4, 4, 3, out);
    assert_memory_equal(out, table, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_of_14_to_45),
        cmocka_unit_test(a_constant_stays_constant),
        cmocka_unit_test(the_same_size_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
