/* test_philox.c - Philox against the published known answers, the release's
 * uniforms, and our own normals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "kernels/core/philox.h"

/* Random123's kat_vectors, philox4x32 with 10 rounds. */
static void known_answers(void **state)
{
    (void)state;
    static const struct {
        lt_philox4 counter;
        uint64_t key;
        lt_philox4 expected;
    } row[] = {
        {{{0, 0, 0, 0}}, 0, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
        {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
         UINT64_MAX,
         {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
        {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
         0x299f31d0a4093822,
         {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const lt_philox4 got = lt_philox(row[i].counter, row[i].key);
        assert_memory_equal(&got, &row[i].expected, sizeof got);
    }
}

/* Draw n for vocabulary entry v takes counter (n, 0, v, 0) and its first word,
 * as the release's sampler does. */
static void uniforms_of_the_release(void **state)
{
    (void)state;
    static const struct {
        uint32_t n, v, word;
        float uniform;
    } row[] = {
        {0, 0, 0x9ceaf053, 0.612959862f},     {0, 1, 0x02933769, 0.0100588445f},
        {0, 2, 0x65fe70a6, 0.398413688f},     {0, 2054, 0x286cd9d0, 0.157910928f},
        {1, 0, 0xfcdb2127, 0.987718642f},     {1, 1, 0x20ff9139, 0.128899649f},
        {1243, 0, 0x15f762da, 0.0858060643f}, {1243, 1, 0xed4c7f31, 0.926948488f},
        {1243, 2, 0xd5f9f4a9, 0.835845292f},  {1243, 2054, 0xac3792a5, 0.672722995f},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const lt_philox4 counter = {{row[i].n, 0, row[i].v, 0}};
        const uint32_t word = lt_philox(counter, 42).word[0];
        assert_int_equal(word, row[i].word);
        assert_true(lt_philox_uniform(word) == row[i].uniform);
    }
    assert_true(lt_philox_uniform(0) == 0x1p-33f); /* never 0: its logarithm is taken */
    assert_true(lt_philox_uniform(UINT32_MAX) == 1.0f);
}

/* Computed by an independent program with the formula of philox.h. */
static void normals_bit_for_bit(void **state)
{
    (void)state;
    static const struct {
        lt_draw draw;
        uint64_t first;
        uint32_t bits[4];
    } row[] = {
        {{0, LT_DRAW_AR, 0, 0}, 0, {0x3f587c3b, 0x3fd359cb, 0xbdecd29e, 0xbdd1190b}},
        {{42, LT_DRAW_REFINE, 3, 7}, 4, {0xbdda4776, 0x3ffb0c2b, 0x3fd9b052, 0x3fa2f4e7}},
        {{((uint64_t)1 << 40) + 5, LT_DRAW_RENOISE, 1, 2},
         4000000,
         {0x3f55666d, 0xbf64d67b, 0xbf158156, 0xbe19ae05}},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        float got[4];
        lt_normals(row[i].draw, row[i].first, 4, got);
        assert_memory_equal(got, row[i].bits, sizeof got);
    }
}

/* A draw may be taken in pieces of any size from any place. */
static void normals_in_pieces(void **state)
{
    (void)state;
    enum { COUNT = 103 };
    const lt_draw draw = {7, LT_DRAW_POSTERIOR, 1, 9};
    float whole[COUNT];
    float pieces[COUNT];
    lt_normals(draw, 0, COUNT, whole);
    for (uint64_t at = 0, size = 1; at < COUNT; at += size, size = size % 6 + 1)
        lt_normals(draw, at, size < COUNT - at ? size : COUNT - at, pieces + at);
    assert_memory_equal(whole, pieces, sizeof whole);
}

static void every_key_changes_the_draw(void **state)
{
    (void)state;
    const lt_draw draws[] = {
        {1, LT_DRAW_REFINE, 0, 0},  {2, LT_DRAW_REFINE, 0, 0},
        {1, LT_DRAW_RENOISE, 0, 0}, {1, LT_DRAW_REFINE, 1, 0},
        {1, LT_DRAW_REFINE, 0, 1},  {((uint64_t)1 << 32) + 1, LT_DRAW_REFINE, 0, 0},
    };
    enum { DRAWS = sizeof draws / sizeof *draws };
    float x[DRAWS][4];
    for (int i = 0; i < DRAWS; i++) {
        lt_normals(draws[i], 0, 4, x[i]);
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(x[i], x[k], sizeof x[i]);
    }
}

/* 65,536 draws: the mean is 0 within 4 / sqrt(n), the variance 1 within 4 sqrt(2 / n). */
static void moments(void **state)
{
    (void)state;
    enum { COUNT = 65536 };
    static float x[COUNT];
    const lt_draw draw = {2024, LT_DRAW_REFINE, 0, 0};
    lt_normals(draw, 0, COUNT, x);
    double sum = 0;
    double square = 0;
    for (int i = 0; i < COUNT; i++) {
        sum += (double)x[i];
        square += (double)x[i] * (double)x[i];
    }
    assert_true(fabs(sum / COUNT) < 4 / 256.0);
    assert_true(fabs(square / COUNT - 1) < 4 * sqrt(2.0) / 256.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(uniforms_of_the_release),
        cmocka_unit_test(normals_bit_for_bit),
        cmocka_unit_test(normals_in_pieces),
        cmocka_unit_test(every_key_changes_the_draw),
        cmocka_unit_test(moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
