/* The steps of a choice against the release's examples, and the CUDA draw against known numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "kernels/core/choice_arithmetic.h"
#include "kernels/core/token_choice.h"

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
        lt_candidate scratch[5];
        memcpy(p, given, sizeof p);
        lt_keep_top_p(p, 5, cases[i].p, scratch);
        for (int j = 0; j < 5; j++)
            assert_float_equal(p[j], cases[i].kept[j], 1e-6f);
    }
}

static void top_k_keeps_ties(void **state)
{
    (void)state;
    float logits[6] = {1, 3, 2, 2, -1, 2};
    lt_candidate scratch[6];
    lt_keep_top_k(logits, 6, 2, scratch);
    const float wanted[6] = {-INFINITY, 3, 2, 2, -INFINITY, 2};
    assert_memory_equal(logits, wanted, sizeof wanted);
}

static void softmax_of_large_logits(void **state)
{
    (void)state;
    float v[3] = {1000, 1000, -INFINITY};
    lt_softmax(v, 3);
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
        assert_true(lt_choice_uniform(42, known[i].draw, known[i].id) == known[i].uniform);
}

static void draws_of_an_even_distribution(void **state)
{
    (void)state;
    float p[2055];
    for (int i = 0; i < 2055; i++)
        p[i] = 1.0f / 2055.0f;
    assert_int_equal(lt_draw_id(p, 2055, 42, 0), 493);
    assert_int_equal(lt_draw_id(p, 2055, 42, 1), 345);
    assert_int_equal(lt_draw_id(p, 2055, 42, 1243), 1024);
}

/* The unconditional row pushes the answer away: id 1 wins only with guidance. */
static void guidance_moves_the_answer(void **state)
{
    (void)state;
    lt_candidate scratch[3];
    const lt_choice c = {.seed = 42, .guidance = 3, .temperature = 1, .top_k = 1, .top_p = -1};
    float guided[6] = {5, 4, 0, 5, 2, 0};
    assert_int_equal(lt_choose_id(&c, guided, 2, 3, scratch), 1);
    float plain[3] = {5, 4, 0};
    assert_int_equal(lt_choose_id(&c, plain, 1, 3, scratch), 0);
}

static void a_logit_that_is_not_finite(void **state)
{
    (void)state;
    lt_candidate scratch[3];
    const lt_choice c = {.temperature = 1, .top_p = -1};
    float logits[3] = {0, NAN, -INFINITY};
    assert_int_equal(lt_choose_id(&c, logits, 1, 3, scratch), ~1);
}

/* Half a unit of the last place, and what double leaves over. */
static void assert_rounded(float got, double want)
{
    const double unit = fmax(ldexp(1, ilogb(want) - 23), 0x1p-149);
    if (fabs((double)got - want) > 0.50001 * unit)
        fail_msg("got %.9g, want %.17g", (double)got, want);
}

static void exponentials_and_logarithms(void **state)
{
    (void)state;
    assert_true(lt_choice_exp(0) == 1 && lt_choice_exp(-INFINITY) == 0 && lt_choice_exp(-200) == 0);
    for (float x = -103; x < 0; x += 0.0137f)
        assert_rounded(lt_choice_exp(x), exp((double)x));
    assert_true(lt_choice_minus_log(1) == 0);
    for (float x = 0x1p-33f; x < 1; x *= 1.0037f)
        assert_rounded(lt_choice_minus_log(x), -log((double)x));
    assert_true(lt_choice_exponential(1) == 0x1p-24f);
}

/* The limit is the first mass that is no longer less than p. */
static void limits_of_top_p(void **state)
{
    (void)state;
    assert_true(lt_top_p_limit(0) == 1 && lt_top_p_limit(1) == 1ull << 40 &&
                lt_top_p_limit(0.5) == 1ull << 39);
    assert_true(lt_top_p_limit(0x1.8p-40) == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_p_examples),
        cmocka_unit_test(top_k_keeps_ties),
        cmocka_unit_test(softmax_of_large_logits),
        cmocka_unit_test(uniforms_of_cuda),
        cmocka_unit_test(draws_of_an_even_distribution),
        cmocka_unit_test(guidance_moves_the_answer),
        cmocka_unit_test(a_logit_that_is_not_finite),
        cmocka_unit_test(exponentials_and_logarithms),
        cmocka_unit_test(limits_of_top_p),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
