/* Sampling settings: what they ask the draw for, what is refused, how
 * draws lean towards a new prompt. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "ar_model/token_sampler.h"

static void guidance_on_and_off(void **state)
{
    (void)state;
    ar_sampling s;
    ar_sampling_init(&s);
    assert_true(ar_is_guided(&s));
    static const double off[] = {0.0, 1.0, -3.0};
    for (size_t i = 0; i < 3; i++) {
        s.guidance = off[i];
        assert_false(ar_is_guided(&s));
    }
}

/* What both prompts allow stays in its order, what only the new one says comes to the front. */
static void leaning_towards_a_new_prompt(void **state)
{
    (void)state;
    const float logits[4] = {2, 1, 0, -1};
    float lean[4];
    const float now[4] = {-6, 0, 0, -8};
    const float before[4] = {0, 0, -6, -8};
    const float wanted[4] = {-4, 1, 3, -5};
    ar_lean(lean, 4, now, before, 1);
    for (int i = 0; i < 4; i++)
        assert_true(logits[i] + lean[i] == wanted[i]);
    ar_lean(lean, 4, now, before, 0);
    for (int i = 0; i < 4; i++)
        assert_true(lean[i] == 0);
}

static void filters_of_a_draw(void **state)
{
    (void)state;
    ar_sampling s = {.seed = 3,
                     .guidance = 2.5,
                     .temperature = 0.5,
                     .filter = AR_KEEP_ALL,
                     .top_k = 7,
                     .top_p = 0.25};
    lt_choice c = ar_choice(&s, 1ull << 40);
    assert_true(c.seed == 3 && c.draw == 1ull << 40 && c.guidance == 2.5f && c.temperature == 0.5f);
    assert_true(c.top_k == 0 && c.top_p < 0);
    s.filter = AR_KEEP_TOP_K;
    c = ar_choice(&s, 0);
    assert_true(c.top_k == 7 && c.top_p < 0);
    s.filter = AR_KEEP_TOP_P;
    c = ar_choice(&s, 0);
    assert_true(c.top_k == 0 && c.top_p == 0.25);
}

/* Of three ids with probabilities 1/2, 1/4, 1/4; guidance and temperature as in a draw, an id that
 * a draw cuts off counts too. */
static void surprise_of_an_id(void **state)
{
    (void)state;
    ar_sampling s;
    double nats = 0;
    ar_sampling_init(&s);
    s.guidance = 2;
    s.temperature = 0.5;
    s.filter = AR_KEEP_TOP_K;
    s.top_k = 1;
    const float half = 0.34657359f; /* ln 2 times the temperature */
    for (int32_t id = 0; id < 3; id++) {
        float logits[6] = {half, 0.5f, 0, half, 1, 0};
        assert_int_equal(ar_surprise(&s, 0, logits, 3, id, &nats, NULL), LT_OK);
        assert_true(fabs(nats - (id == 0 ? 0.69314718 : 1.38629436)) < 1e-6);
    }
    /* So unlikely that the f32 probability is 0. */
    float far[6] = {0, 500, 0, 0, 500, 0};
    assert_int_equal(ar_surprise(&s, 0, far, 3, 2, &nats, NULL), LT_OK);
    assert_true(fabs(nats - 1000) < 1e-3);
    float bad[6] = {0, NAN, 0, 0, 0, 0};
    assert_int_equal(ar_surprise(&s, 0, bad, 3, 0, &nats, NULL), LT_ERR_FAILED);
}

static void what_is_refused(void **state)
{
    (void)state;
    ar_sampling s;
    lt_error err = {0};
    ar_sampling_init(&s);
    assert_int_equal(ar_sampling_check(&s, 2055, &err), LT_OK);
    static const double temperatures[] = {0.0, -1.0, NAN, INFINITY};
    for (size_t i = 0; i < 4; i++) {
        s.temperature = temperatures[i];
        assert_int_equal(ar_sampling_check(&s, 2055, &err), LT_ERR_USAGE);
    }
    ar_sampling_init(&s);
    s.guidance = NAN;
    assert_int_equal(ar_sampling_check(&s, 2055, &err), LT_ERR_USAGE);
    ar_sampling_init(&s);
    s.filter = AR_KEEP_TOP_K;
    s.top_k = 2056;
    assert_int_equal(ar_sampling_check(&s, 2055, &err), LT_ERR_USAGE);
    s.filter = AR_KEEP_TOP_P;
    s.top_p = 1.01;
    assert_int_equal(ar_sampling_check(&s, 2055, &err), LT_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guidance_on_and_off),
        cmocka_unit_test(surprise_of_an_id),
        cmocka_unit_test(leaning_towards_a_new_prompt),
        cmocka_unit_test(filters_of_a_draw),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
