/* The polynomials of vec_math.h against libm in double, on every instruction set that the processor
 * runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "kernels/cpu/cpu_processor.h"
#include "tests/support/exact_activation.h"

static const double u = 0x1p-24;
static const double unbounded = 1e30;

/* Floats of both signs from 5e-10 to 128, evenly in their bits; 8191 is odd, so no power of two is
 * all that is seen. */
enum { FIRST = 0x30000000, LAST = 0x43000000, STEP = 8191, CHUNK = 64 };

static void check_activation(const lt_cpu_level *level, lt_act act, double relative)
{
    for (uint32_t bits = FIRST; bits < LAST; bits += CHUNK / 2 * STEP) {
        float x[CHUNK];
        float y[CHUNK];
        for (uint32_t i = 0; i < CHUNK; i++) {
            const uint32_t one = (bits + i / 2 * STEP) | (i % 2) << 31;
            memcpy(&x[i], &one, sizeof one);
        }
        level->kernels->activate(y, x, LT_F32, CHUNK, act);
        for (int i = 0; i < CHUNK; i++) {
            const double want = exact_activation((double)x[i], act);
            const double error = fabs((double)y[i] - want);
            if (!(error <= 3 * u * fabs((double)x[i])) ||
                !(error <= relative * fabs(want) + 2e-38 * fabs((double)x[i])))
                fail_msg("%s, activation %d of %.9g: got %.9g, want %.9g", level->name, (int)act,
                         (double)x[i], (double)y[i], want);
        }
    }
}

static void activations_are_close(void **state)
{
    (void)state;
    for (const lt_cpu_level *level = lt_cpu_levels; level->name != NULL; level++) {
        if (!lt_processor_runs(level))
            continue;
        check_activation(level, LT_ACT_GELU_ERF, unbounded); /* its tail is a difference from 1 */
        /* an error of 2u counts 2u times in exp(2u) */
        check_activation(level, LT_ACT_GELU_TANH, unbounded);
        check_activation(level, LT_ACT_SILU, 4 * u);
        check_activation(level, LT_ACT_TANH, 4 * u);
    }
}

/* Far out nothing overflows, and a NaN is not lost. */
static void extremes_keep_their_meaning(void **state)
{
    (void)state;
    const float x[] = {0.0f, -0.0f, 1e4f, -1e4f, 3e38f, -3e38f, NAN, 89.0f};
    enum { COUNT = sizeof x / sizeof *x };
    for (const lt_cpu_level *level = lt_cpu_levels; level->name != NULL; level++) {
        if (!lt_processor_runs(level))
            continue;
        for (int act = LT_ACT_GELU_ERF; act <= LT_ACT_TANH; act++) {
            float y[COUNT];
            level->kernels->activate(y, x, LT_F32, COUNT, (lt_act)act);
            for (int i = 0; i < COUNT; i++) {
                if (isnan(x[i]))
                    assert_true(isnan(y[i]));
                else
                    assert_true(fabs((double)y[i] - exact_activation((double)x[i], (lt_act)act)) <=
                                4 * u * fabs((double)x[i]));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_are_close),
        cmocka_unit_test(extremes_keep_their_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
