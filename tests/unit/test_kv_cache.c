/* The rotary table against the release's f32 numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "ar_model/kv_cache.h"

static void rotary_anchors(void **state)
{
    (void)state;
    enum { PAIRS = 64, POSITIONS = 101 };
    float *cosine = malloc(PAIRS * POSITIONS * sizeof *cosine);
    float *sine = malloc(PAIRS * POSITIONS * sizeof *sine);
    assert_non_null(cosine);
    assert_non_null(sine);
    ar_rotary_table(10000.0f, 2 * PAIRS, POSITIONS, cosine, sine);
    static const struct {
        int position, pair;
        double cosine, sine;
    } known[] = {
        {0, 5, 1.0, 0.0},
        {100, 0, 0.8623189, -0.5063657},
        {100, 1, 0.2012536, -0.9795392},
        {100, 63, 0.9999333, 0.01154756},
        {1, 2, 0.7317610, 0.6815613}, /* frequency 0.749894202 */
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const int at = known[i].position * PAIRS + known[i].pair;
        assert_true(fabs((double)cosine[at] - known[i].cosine) < 2e-6);
        assert_true(fabs((double)sine[at] - known[i].sine) < 2e-6);
    }
    free(cosine);
    free(sine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotary_anchors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
