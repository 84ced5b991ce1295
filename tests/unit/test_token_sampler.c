/* The sampler's steps against the release's examples, and the CUDA draw against known numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "ar_model/token_sampler.h"

static void top_p_examples(void **state)
{
    (void)state;
    static const float given[5] = {0.1f, 0.5f, 0.2f, 0.15f, 0.05f};
    static const struct {
        double p;
        float kept[5];
    } cases[] = {{0.6, {0, 0.714286f, 0.285714f, 0, 0}},
                 {0.5, {0, 1, 0, 0, 0}},
                 {0.0, {0, 1, 0, 0, 0}},
                 {1.0, {0.1f, 0.5f, 0.2f, 0.15f, 0.05f}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float p[5];
        ar_candidate scratch[5];
        memcpy(p, given, sizeof p);
        ar_keep_top_p(p, 5, cases[i].p, scratch);
        for (int j = 0; j < 5; j++)
            assert_float_equal(p[j], cases[i].kept[j], 1e-6f);
    }
}

static void top_k_keeps_ties(void **state)
{
    (void)state;
    float logits[6] = {1, 3, 2, 2, -1, 2};
    ar_candidate scratch[6];
    ar_keep_top_k(logits, 6, 2, scratch);
    const float wanted[6] = {-INFINITY, 3, 2, 2, -INFINITY, 2};
    assert_memory_equal(logits, wanted, sizeof wanted);
}

static void softmax_of_large_logits(void **state)
{
    (void)state;
    float v[3] = {1000, 1000, -INFINITY};
    ar_softmax(v, 3);
    assert_float_equal(v[0], 0.5f, 1e-7f);
    assert_float_equal(v[1], 0.5f, 1e-7f);
    assert_float_equal(v[2], 0.0f, 0.0f);
}

/* From the specification of the release; seed 42. */
static void uniforms_of_cuda(void **state)
{
    (void)state;
    static const struct {
        uint64_t draw;
        int32_t id;
        float uniform;
    } known[] = {{0, 0, 0.612959862f},    {0, 1, 0.0100588445f},   {0, 2, 0.398413688f},
                 {0, 2054, 0.157910928f}, {1, 0, 0.987718642f},    {1, 1, 0.128899649f},
                 {1, 2, 0.562104166f},    {1, 2054, 0.646680772f}, {1243, 0, 0.0858060643f},
                 {1243, 1, 0.926948488f}, {1243, 2, 0.835845292f}, {1243, 2054, 0.672722995f}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_true(ar_draw_uniform(42, known[i].draw, known[i].id) == known[i].uniform);
}

static void draws_of_an_even_distribution(void **state)
{
    (void)state;
    float p[2055];
    for (int i = 0; i < 2055; i++)
        p[i] = 1.0f / 2055.0f;
    assert_int_equal(ar_draw_id(p, 2055, 42, 0), 493);
    assert_int_equal(ar_draw_id(p, 2055, 42, 1), 345);
    assert_int_equal(ar_draw_id(p, 2055, 42, 1243), 1024);
}

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

/* The unconditional row pushes the answer away: id 1 wins only with guidance. */
static void guidance_moves_the_answer(void **state)
{
    (void)state;
    ar_sampling s;
    ar_candidate scratch[3];
    int32_t id = -1;
    ar_sampling_init(&s);
    s.filter = AR_KEEP_TOP_K;
    s.top_k = 1;
    s.guidance = 3.0;
    float guided[6] = {5, 4, 0, 5, 2, 0};
    assert_int_equal(ar_sample(&s, 0, guided, 3, scratch, &id, NULL), LT_OK);
    assert_int_equal(id, 1);
    s.guidance = 0.0;
    float plain[3] = {5, 4, 0};
    assert_int_equal(ar_sample(&s, 0, plain, 3, scratch, &id, NULL), LT_OK);
    assert_int_equal(id, 0);
}

/* What both prompts allow stays in its order, what only the new one says comes to the front. */
static void leaning_towards_a_new_prompt(void **state)
{
    (void)state;
    float logits[4] = {2, 1, 0, -1};
    const float now[4] = {-6, 0, 0, -8};
    const float before[4] = {0, 0, -6, -8};
    ar_lean(logits, 4, now, before, 1);
    const float wanted[4] = {-4, 1, 3, -5};
    assert_memory_equal(logits, wanted, sizeof wanted);
    ar_lean(logits, 4, now, before, 0);
    assert_memory_equal(logits, wanted, sizeof wanted);
}

/* Of three ids with probabilities 1/2, 1/4, 1/4; guidance and temperature as in a draw, an id that a draw cuts off counts too. */
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

static void a_logit_that_is_not_finite(void **state)
{
    (void)state;
    ar_sampling s;
    ar_candidate scratch[2];
    lt_error err = {0};
    int32_t id;
    ar_sampling_init(&s);
    s.guidance = 0;
    float logits[2] = {0, NAN};
    assert_int_equal(ar_sample(&s, 17, logits, 2, scratch, &id, &err), LT_ERR_FAILED);
    assert_non_null(strstr(err.message, "id 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_p_examples),
        cmocka_unit_test(top_k_keeps_ties),
        cmocka_unit_test(softmax_of_large_logits),
        cmocka_unit_test(uniforms_of_cuda),
        cmocka_unit_test(draws_of_an_even_distribution),
        cmocka_unit_test(guidance_on_and_off),
        cmocka_unit_test(guidance_moves_the_answer),
        cmocka_unit_test(surprise_of_an_id),
        cmocka_unit_test(leaning_towards_a_new_prompt),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(a_logit_that_is_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
