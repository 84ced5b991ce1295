/* test_low_bit.c - blocks of few bits: what comes back, how near it is, pieces, and numbers that
 * have no place in a block. */
#include "weights/low_bit.h"

#include <math.h>
#include <string.h>

#include "tests/support/check.h"

enum { ROWS = 3, COLUMNS = 64 };

typedef struct {
    uint8_t codes[ROWS * COLUMNS];
    uint16_t scales[ROWS * COLUMNS / LT_BLOCK];
    lt_weight weight;
} stored;

/* As a file is written: all scales, then codes, which only are rounded by them. */
static void check_scales_first(const lt_tensor *matrix, lt_dtype kind, const stored *s,
                               int64_t codes, int64_t scales)
{
    lt_low_bit b;
    lt_error err = {0};
    stored again;
    check_ok(lt_low_bit_open(&b, matrix, kind, &err), err);
    check_ok(lt_low_bit_scales(&b, 0, scales, again.scales, &err), err);
    assert_int_equal(b.kept_rows, matrix->dim[0]);
    check_ok(lt_low_bit_codes(&b, 0, codes, again.codes, &err), err);
    assert_memory_equal(again.scales, s->scales, (size_t)scales * sizeof *s->scales);
    assert_memory_equal(again.codes, s->codes, (size_t)codes);
    lt_low_bit_close(&b);
}

static void quantise(const lt_tensor *matrix, lt_dtype kind, stored *s)
{
    lt_low_bit b;
    lt_error err = {0};
    check_ok(lt_low_bit_open(&b, matrix, kind, &err), err);
    const int64_t codes = b.code_shape.dim[0] * b.code_shape.dim[1];
    const int64_t scales = b.scale_shape.dim[0] * b.scale_shape.dim[1];
    check_ok(lt_low_bit_codes(&b, 0, codes, s->codes, &err), err);
    check_ok(lt_low_bit_scales(&b, 0, scales, s->scales, &err), err);
    for (int64_t first = 0; first < codes; first += 7) { /* in pieces as well */
        uint8_t part[11];
        const int64_t count = codes - first < 11 ? codes - first : 11;
        check_ok(lt_low_bit_codes(&b, first, count, part, &err), err);
        assert_memory_equal(part, s->codes + first, (size_t)count);
    }
    check_scales_first(matrix, kind, s, codes, scales);
    const lt_tensor stored_codes = lt_view(s->codes, b.code_dtype, b.code_shape);
    const lt_tensor stored_scales = lt_view(s->scales, LT_F16, b.scale_shape);
    assert_int_equal(lt_low_bit_form(&stored_codes, &stored_scales, lt_shape_of(matrix)), kind);
    s->weight =
        (lt_weight){.value = lt_view(s->codes, kind, lt_shape_of(matrix)), .scale = stored_scales};
    assert_true(lt_weight_is_sound(&s->weight));
    lt_low_bit_close(&b);
}

static void what_fits_comes_back_exactly(void **state)
{
    (void)state;
    static const lt_dtype kinds[] = {LT_Q8, LT_Q4};
    for (int k = 0; k < 2; k++) {
        float x[ROWS][COLUMNS];
        const int low = kinds[k] == LT_Q4 ? -8 : -127;
        const int count = kinds[k] == LT_Q4 ? 16 : 255;
        /* the largest integer is in every block, so the scale is known */
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLUMNS; c++)
                x[r][c] = ldexpf((float)(c % LT_BLOCK == r ? low : low + (29 * c + 5 * r) % count),
                                 -3 - r);
        const lt_tensor matrix = lt_view(x, LT_F32, lt_shape2(ROWS, COLUMNS));
        stored s;
        quantise(&matrix, kinds[k], &s);
        for (int i = 0; i < ROWS * COLUMNS; i++)
            assert_true(lt_weight_value(&s.weight, i) == (double)x[i / COLUMNS][i % COLUMNS]);
    }
}

/* Uniform numbers: rounding to steps of the range / 16 leaves 1 / sqrt(12) of a step, 7 % of their
 * root mean square. */
static void the_error_is_that_of_the_bits(void **state)
{
    (void)state;
    float x[ROWS][COLUMNS];
    uint32_t seed = 1;
    double square = 0;
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i / COLUMNS][i % COLUMNS] = (float)(seed >> 8) * 0x1p-23f - 1.0f;
        square += (double)x[i / COLUMNS][i % COLUMNS] * (double)x[i / COLUMNS][i % COLUMNS];
    }
    const lt_tensor matrix = lt_view(x, LT_F32, lt_shape2(ROWS, COLUMNS));
    static const struct {
        lt_dtype kind;
        double bound;
    } cases[] = {{LT_Q8, 0.005}, {LT_Q4, 0.072}};
    for (int k = 0; k < 2; k++) {
        stored s;
        quantise(&matrix, cases[k].kind, &s);
        double error = 0;
        for (int i = 0; i < ROWS * COLUMNS; i++)
            error += pow(lt_weight_value(&s.weight, i) - (double)x[i / COLUMNS][i % COLUMNS], 2);
        if (sqrt(error / square) > cases[k].bound)
            fail_msg("%s: relative error %.4f, bound %.4f", lt_dtype_name(cases[k].kind),
                     sqrt(error / square), cases[k].bound);
    }
}

static void reads_any_float_and_layout(void **state)
{
    (void)state;
    static const lt_dtype dtypes[] = {LT_F32, LT_BF16, LT_F16, LT_F64};
    for (int d = 0; d < 4; d++) {
        char memory[COLUMNS * ROWS * 8];
        for (int i = 0; i < COLUMNS * ROWS; i++)
            lt_store_element(memory, dtypes[d], i, i % 16 - 8); /* stored as [COLUMNS, ROWS] */
        const lt_tensor matrix =
            lt_permute(lt_view(memory, dtypes[d], lt_shape2(COLUMNS, ROWS)), (const int[]){1, 0});
        stored s;
        quantise(&matrix, LT_Q4, &s);
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLUMNS; c++)
                assert_true(fabs(lt_weight_value(&s.weight, r * COLUMNS + c) -
                                 ((c * ROWS + r) % 16 - 8)) <= 0.51);
    }
}

static void zeros_and_what_is_too_small_become_zeros(void **state)
{
    (void)state;
    float x[ROWS][COLUMNS] = {{0}};
    x[1][3] = 1e-9f;
    const lt_tensor matrix = lt_view(x, LT_F32, lt_shape2(ROWS, COLUMNS));
    stored s;
    quantise(&matrix, LT_Q4, &s);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        assert_true(lt_weight_value(&s.weight, i) == 0);
}

static void refuses_what_has_no_scale(void **state)
{
    (void)state;
    double x[2][LT_BLOCK] = {{1, 2}, {NAN, 1}};
    const lt_tensor matrix = lt_view(x, LT_F64, lt_shape2(2, LT_BLOCK));
    lt_low_bit b;
    lt_error err = {0};
    uint8_t codes[2 * LT_BLOCK];
    uint16_t scales[2];
    check_ok(lt_low_bit_open(&b, &matrix, LT_Q8, &err), err);
    check_failed(lt_low_bit_codes(&b, 0, 2 * LT_BLOCK, codes, &err), err, LT_ERR_INPUT,
                 "value 32 is not finite");
    x[1][0] = 1e300;
    err = (lt_error){0};
    check_failed(lt_low_bit_scales(&b, 0, 2, scales, &err), err, LT_ERR_INPUT,
                 "row 1 is too large for a scale");
    lt_low_bit_close(&b);
    lt_low_bit_close(&b);
}

static void integers_and_scales_must_belong_together(void **state)
{
    (void)state;
    static const struct {
        lt_dtype codes;
        lt_shape code_shape;
        lt_dtype scale;
        lt_shape scale_shape;
        lt_dtype form;
    } cases[] = {
        {LT_I8, {2, {2, 64}}, LT_F32, {1, {2}}, LT_I8},
        {LT_I8, {2, {2, 64}}, LT_F16, {2, {2, 2}}, LT_Q8},
        {LT_U8, {2, {2, 32}}, LT_F16, {2, {2, 2}}, LT_Q4},
        {LT_U8, {2, {2, 64}}, LT_F16, {2, {2, 2}}, LT_NO_DTYPE},
        {LT_U8, {2, {2, 32}}, LT_F32, {2, {2, 2}}, LT_NO_DTYPE},
        {LT_I8, {2, {2, 64}}, LT_F16, {2, {2, 4}}, LT_NO_DTYPE},
        {LT_I8, {2, {2, 64}}, LT_F32, {1, {3}}, LT_NO_DTYPE},
        {LT_I8, {2, {2, 32}}, LT_F16, {2, {2, 1}}, LT_NO_DTYPE},
        {LT_F32, {2, {2, 64}}, LT_F32, {1, {2}}, LT_NO_DTYPE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const lt_tensor codes = lt_view(NULL, cases[i].codes, cases[i].code_shape);
        const lt_tensor scale = lt_view(NULL, cases[i].scale, cases[i].scale_shape);
        assert_int_equal(lt_low_bit_form(&codes, &scale, lt_shape2(2, 64)), cases[i].form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_comes_back_exactly),
        cmocka_unit_test(the_error_is_that_of_the_bits),
        cmocka_unit_test(reads_any_float_and_layout),
        cmocka_unit_test(zeros_and_what_is_too_small_become_zeros),
        cmocka_unit_test(refuses_what_has_no_scale),
        cmocka_unit_test(integers_and_scales_must_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
