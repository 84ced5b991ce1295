/* test_time_embedding.c - the sinusoid at the released width. */
#include <math.h>

#include "mmdit/time_embedding.h"
#include "tests/support/check.h"

static void cosines_come_first(void **state)
{
    (void)state;
    static const struct {
        int at;
        double want;
    } rows[] = {{0, 0.38378197},    {1, -0.45373225},  {2, 0.59498191},   {959, 0.99511892},
                {960, -0.92342377}, {961, 0.89113808}, {1919, 0.09868288}};
    float v[1920];
    dit_time_sinusoid(979.0f, 1920, v);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!(fabs(v[rows[i].at] - rows[i].want) <= 1e-7))
            fail_msg("value %d: got %.8f, want %.8f", rows[i].at, (double)v[rows[i].at],
                     rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cosines_come_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
