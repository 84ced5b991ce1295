/* test_relative_bucket.c - the bucket table of the released encoders, and one of other sizes. */
#include "tests/support/check.h"

#include "text_encoder/relative_bucket.h"

/* First distance of each bucket with 32 buckets and largest distance 128. */
static const int released[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91};

static int expected(int steps)
{
    int bucket = 15;
    while (steps < released[bucket])
        bucket--;
    return bucket;
}

static void released_table(void **state)
{
    (void)state;
    for (int d = -300; d <= 300; d++) {
        const int want = expected(d < 0 ? -d : d) + (d > 0 ? 16 : 0);
        const int got = text_relative_bucket(d, 32, 128);
        if (got != want)
            fail_msg("distance %d: got bucket %d, want %d", d, got, want);
    }
}

/* 24 buckets up to 50: half 12, exact 6; e.g. distance 12: 6 + trunc(ln 2 / ln(50/6) x 6) = 6 +
 * trunc(1.96) = 7. */
static void other_sizes(void **state)
{
    (void)state;
    static const int table[][2] = {{0, 0},   {5, 17},  {-5, 5},  {6, 18},  {-6, 6},    {-12, 7},
                                   {-13, 8}, {49, 23}, {50, 23}, {51, 23}, {-1000, 11}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(text_relative_bucket(table[i][0], 24, 50), table[i][1]);
    assert_int_equal(text_relative_bucket(1, 4, 2), 3);
    assert_int_equal(text_relative_bucket(-9, 4, 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(released_table),
        cmocka_unit_test(other_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
