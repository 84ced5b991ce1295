/* test_emulated_instructions.c - products as Intel documents them: which numbers meet, in what
 * order, and how it is rounded. */
#include "tests/emulated/emulated_instructions.h"

#include "tests/support/check.h"

enum { SUMS, LEFT, RIGHT, PAIRS = 16 };

static void give_shape(void)
{
    uint8_t shape[64] = {1};
    for (int i = 0; i < 8; i++) {
        shape[16 + 2 * i] = 64;
        shape[48 + i] = 16;
    }
    _tile_loadconfig(shape);
}

/* c += x w, by tiles of bf16. */
static void add_product(float c[16][16], uint16_t x[16][2 * PAIRS], uint16_t w[PAIRS][32])
{
    give_shape();
    _tile_loadd(SUMS, c, sizeof *c);
    _tile_loadd(LEFT, x, sizeof *x);
    _tile_loadd(RIGHT, w, sizeof *w);
    _tile_dpbf16ps(SUMS, LEFT, RIGHT);
    _tile_stored(SUMS, c, sizeof *c);
    _tile_release();
}

static uint16_t bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    assert_int_equal(bits & 0xffff, 0);
    return (uint16_t)(bits >> 16);
}

static void every_pair_meets_its_own(void **state)
{
    (void)state;
    uint16_t x[16][2 * PAIRS];
    uint16_t w[PAIRS][32];
    float c[16][16];
    for (int i = 0; i < 512; i++) {
        x[i / 32][i % 32] = bf16((float)(i * 7 % 13 - 6));
        w[i / 32][i % 32] = bf16((float)(i * 5 % 11 - 5));
        c[i / 2 / 16][i / 2 % 16] = (float)(i / 2);
    }
    add_product(c, x, w);
    for (int m = 0; m < 16; m++)
        for (int n = 0; n < 16; n++) {
            int want = 16 * m + n;
            for (int k = 0; k < 32; k++)
                want += ((m * 32 + k) * 7 % 13 - 6) * ((k / 2 * 32 + 2 * n + k % 2) * 5 % 11 - 5);
            assert_true(c[m][n] == (float)want);
        }
}

/* One row against one column: even and odd members of the first two pairs,
 * and what the sum was before. */
typedef struct {
    const char *what;
    float x[4];
    float w[4];
    float before;
    float want;
} sum_case;

static const sum_case sum_cases[] = {
    {"even and odd apart", {1, 0x1p-24f, 0, 0x1p-24f}, {1, 1, 1, 1}, 0, 1 + 0x1p-23f},
    {"even ones one after the other", {1, 0, 0x1p-24f, 0}, {1, 0, 1, 0}, 0, 1},
    {"what was before comes last", {0x1p-24f, 0, 0x1p-24f, 0}, {1, 0, 1, 0}, 1, 1 + 0x1p-23f},
    {"even and odd first", {0x1p-24f, 0x1p-24f, 0, 0}, {1, 1, 0, 0}, 1, 1 + 0x1p-23f},
    {"half way to the even one below", {0x1p-24f, 0, 0, 0}, {1, 0, 0, 0}, 1, 1},
    {"half way to the even one above",
     {0x1p-24f, 0, 0, 0},
     {1, 0, 0, 0},
     1 + 0x1p-23f,
     1 + 0x1p-22f},
    {"far below half", {1, 0, 0x1p-60f, 0}, {1, 0, 1, 0}, 0, 1},
    {"a product too large for f32 in a sum that is not",
     {-0x1p127f, 0, 0x1p64f, 0},
     {1, 0, 0x1p64f, 0},
     0,
     0x1p127f},
    {"a product too small for f32 in a sum that is not",
     {0x1p-126f, 0, 0x1p-65f, 0},
     {1, 0, 0x1p-65f, 0},
     0,
     0x1p-126f + 0x1p-130f},
    {"a product too small for f32", {0x1p-65f, 0, 0, 0}, {0x1p-65f, 0, 0, 0}, 0, 0},
    {"a difference too small", {0x1.8p-126f, 0, -0x1p-126f, 0}, {1, 0, 1, 0}, 0, 0},
    {"a denormal left", {0x1p-127f, 0, 0, 0}, {0x1p20f, 0, 0, 0}, 1, 1},
    {"a denormal right", {0, 0x1p100f, 0, 0}, {0, 0x1p-130f, 0, 0}, 0, 0},
    {"a denormal before", {0x1p-126f, 0, 0, 0}, {1, 0, 0, 0}, 0x1p-127f, 0x1p-126f},
    {"up to the smallest normal", {0x1p-126f, 0, -0x1p-75f, 0}, {1, 0, 0x1p-76f, 0}, 0, 0x1p-126f},
    {"just too small", {0x1p-126f, 0, -0x1p-75f, 0}, {1, 0, 0x1p-75f, 0}, 0, 0},
    {"beyond the largest", {0x1p127f, 0, 0, 0}, {2, 0, 0, 0}, 0, INFINITY},
};

static void sums_are_rounded_as_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sum_cases / sizeof *sum_cases; i++) {
        const sum_case *t = &sum_cases[i];
        uint16_t x[16][32] = {{0}};
        uint16_t w[16][32] = {{0}};
        float c[16][16] = {{0}};
        c[3][5] = t->before;
        for (int k = 0; k < 4; k++) {
            x[3][k] = bf16(t->x[k]);
            w[k / 2][2 * 5 + k % 2] = bf16(t->w[k]);
        }
        add_product(c, x, w);
        if (memcmp(&c[3][5], &t->want, sizeof t->want) != 0)
            fail_msg("%s: got %a, want %a", t->what, (double)c[3][5], (double)t->want);
    }
}

/* Of a vector: the second members of the pairs, then the first. */
static void pairs_are_added_second_first(void **state)
{
    (void)state;
    static const struct {
        float x[2];
        float w[2];
        float before;
        float want;
    } cases[] = {
        {{2, 3}, {5, 7}, 11, 42},
        {{-1, 0x1p-24f}, {1, 1}, 1, 0},
        {{0x1p-24f, -1}, {1, 1}, 1, 0x1p-24f},
        {{0x1p64f, -0x1p127f}, {0x1p64f, 1}, 0, 0x1p127f},
        {{0x1p-65f, 0x1p-126f}, {0x1p-65f, 1}, 0, 0x1p-126f + 0x1p-130f},
        {{0x1p-126f, 0x1p-65f}, {1, 0x1p-65f}, 0, 0x1p-126f},
        {{0x1p-127f, 0}, {0x1p20f, 0}, 0x1p-127f, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        __m512 sum = {0};
        __m512bh x = {0};
        __m512bh w = {0};
        sum[9] = cases[i].before;
        for (int k = 0; k < 2; k++) {
            x[18 + k] = bf16(cases[i].x[k]);
            w[18 + k] = bf16(cases[i].w[k]);
        }
        const __m512 got = _mm512_dpbf16_ps(sum, x, w);
        for (int lane = 0; lane < 16; lane++)
            if (got[lane] != (lane == 9 ? cases[i].want : 0))
                fail_msg("case %d, lane %d: got %a, want %a", (int)i, lane, (double)got[lane],
                         (double)cases[i].want);
    }
}

static void bytes_meet_in_quads(void **state)
{
    (void)state;
    int8_t x[16][64];
    int8_t w[16][64];
    int32_t c[16][16];
    for (int i = 0; i < 1024; i++) {
        x[i / 64][i % 64] = (int8_t)(i * 37 % 256 - 128);
        w[i / 64][i % 64] = (int8_t)(i * 91 % 256 - 128);
        c[i / 64][i / 4 % 16] = INT32_MAX - i;
    }
    give_shape();
    _tile_loadd(SUMS, c, sizeof *c);
    _tile_loadd(LEFT, x, sizeof *x);
    _tile_loadd(RIGHT, w, sizeof *w);
    _tile_dpbssd(SUMS, LEFT, RIGHT);
    int32_t got[16][16];
    _tile_stored(SUMS, got, sizeof *got);
    _tile_release();
    for (int m = 0; m < 16; m++)
        for (int n = 0; n < 16; n++) {
            uint32_t want = (uint32_t)c[m][n];
            for (int k = 0; k < 64; k++)
                want += (uint32_t)(x[m][k] * w[k / 4][4 * n + k % 4]);
            assert_true((uint32_t)got[m][n] == want);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_meets_its_own),
        cmocka_unit_test(sums_are_rounded_as_documented),
        cmocka_unit_test(pairs_are_added_second_first),
        cmocka_unit_test(bytes_meet_in_quads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
