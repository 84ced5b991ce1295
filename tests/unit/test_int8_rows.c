/* test_int8_rows.c - scales, rounding to even, pieces, and numbers that have no place in a row. */
#include "weights/int8_rows.h"

#include <math.h>

#include "tests/support/check.h"

static void quantises_row_by_row(void **state)
{
    (void)state;
    float x[4][4] = {{127, -127, 0.5f, 1.5f}, {0, 0, 0, 0}, {-254, 3, 5, 1}, {1e-3f, 0, -5e-4f, 1e-4f}};
    static const int8_t wanted[4][4] = {{127, -127, 0, 2}, {0, 0, 0, 0}, {-127, 2, 2, 0}, {127, 0, -64, 13}};
    const float scales[4] = {1, 1e-12f, 2, 1e-3f / 127};
    const lt_tensor matrix = lt_view(x, LT_F32, lt_shape2(4, 4));
    lt_int8_rows rows;
    lt_error err = {0};
    check_ok(lt_int8_rows_open(&rows, &matrix, &err), err);
    int8_t q[16];
    float s[4];
    check_ok(lt_int8_rows_values(&rows, 0, 16, q, &err), err);
    assert_memory_equal(q, wanted, 16);
    check_ok(lt_int8_rows_scales(&rows, 0, 4, s, &err), err);
    for (int i = 0; i < 4; i++)
        assert_true(s[i] == scales[i]);
    for (int first = 0; first < 16; first++)
        for (int count = 1; first + count <= 16; count++) {
            check_ok(lt_int8_rows_values(&rows, first, count, q, &err), err);
            assert_memory_equal(q, (const int8_t *)wanted + first, (size_t)count);
        }
    lt_int8_rows_close(&rows);
}

static void reads_any_float_and_layout(void **state)
{
    (void)state;
    static const double values[2][3] = {{1, -2, 4}, {8, 0.5, -0.25}};
    static const lt_dtype dtypes[] = {LT_F32, LT_BF16, LT_F16, LT_F64};
    for (int d = 0; d < 4; d++) {
        char memory[2 * 3 * 8];
        for (int i = 0; i < 6; i++)
            lt_store_element(memory, dtypes[d], i, values[i % 2][i / 2]); /* stored as [3, 2] */
        const lt_tensor matrix = lt_permute(lt_view(memory, dtypes[d], lt_shape2(3, 2)), (const int[]){1, 0});
        lt_int8_rows rows;
        lt_error err = {0};
        int8_t q[6];
        float s[2];
        check_ok(lt_int8_rows_open(&rows, &matrix, &err), err);
        check_ok(lt_int8_rows_values(&rows, 0, 6, q, &err), err);
        check_ok(lt_int8_rows_scales(&rows, 0, 2, s, &err), err);
        assert_true(s[0] == 4.0f / 127 && s[1] == 8.0f / 127);
        static const int8_t wanted[6] = {32, -64, 127, 127, 8, -4};
        assert_memory_equal(q, wanted, 6);
        lt_int8_rows_close(&rows);
    }
}

static void refuses_what_has_no_scale(void **state)
{
    (void)state;
    double x[2][2] = {{1, 2}, {NAN, 1}};
    const lt_tensor matrix = lt_view(x, LT_F64, lt_shape2(2, 2));
    lt_int8_rows rows;
    lt_error err = {0};
    int8_t q[4];
    float s[2];
    check_ok(lt_int8_rows_open(&rows, &matrix, &err), err);
    check_failed(lt_int8_rows_values(&rows, 0, 4, q, &err), err, LT_ERR_INPUT, "value 2 is not finite");
    x[1][0] = 1e300;
    err = (lt_error){0};
    check_failed(lt_int8_rows_scales(&rows, 0, 2, s, &err), err, LT_ERR_INPUT, "row 1 is too large");
    lt_int8_rows_close(&rows);
    lt_int8_rows_close(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantises_row_by_row),
        cmocka_unit_test(reads_any_float_and_layout),
        cmocka_unit_test(refuses_what_has_no_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
