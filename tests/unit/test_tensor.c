/* test_tensor.c - views: where each element of a slice, permutation or reshape lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/core/tensor.h"

static int32_t numbers[120]; /* numbers[i] = i */

static lt_tensor counting(lt_shape shape)
{
    for (int i = 0; i < 120; i++)
        numbers[i] = i;
    return lt_view(numbers, LT_I32, shape);
}

/* The elements of `t` in row-major order. */
static void expect_elements(lt_tensor t, const int32_t *expected, int count)
{
    assert_int_equal(lt_numel(&t), count);
    for (int n = 0; n < count; n++) {
        int64_t at = 0;
        int64_t rest = n;
        for (int i = t.rank - 1; i >= 0; i--) {
            at += rest % t.dim[i] * t.stride[i];
            rest /= t.dim[i];
        }
        assert_int_equal(((const int32_t *)t.data)[at], expected[n]);
    }
}

static void slices(void **state)
{
    (void)state;
    const lt_tensor t = counting(lt_shape3(2, 3, 4));
    const int32_t column[] = {1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22};
    expect_elements(lt_slice(t, 2, 1, 2), column, 12);
    const int32_t every[] = {0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23};
    expect_elements(lt_every(t, 1, 0, 2, 2), every, 16);
    const int32_t selected[] = {4, 5, 6, 7, 16, 17, 18, 19};
    const lt_tensor row = lt_select(t, 1, 1);
    assert_int_equal(row.rank, 2);
    expect_elements(row, selected, 8);
    assert_false(lt_is_contiguous(&row));
    const lt_tensor empty = lt_slice(t, 1, 3, 0);
    assert_int_equal(lt_numel(&empty), 0);
}

static void permutations(void **state)
{
    (void)state;
    const lt_tensor t = lt_permute(counting(lt_shape3(2, 3, 2)), (const int[]){2, 0, 1});
    const int32_t expected[] = {0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11};
    expect_elements(t, expected, 12);
    assert_false(lt_is_contiguous(&t));
}

/* A fused [n, 3 * heads * d] projection seen as heads: the case that a plain reshape cannot do. */
static void reshape_splits_strided_rows(void **state)
{
    (void)state;
    const lt_tensor fused = counting(lt_shape2(2, 12));
    const lt_tensor keys = lt_reshape(lt_slice(fused, 1, 4, 4), lt_shape3(2, 2, 2));
    const int32_t expected[] = {4, 5, 6, 7, 16, 17, 18, 19};
    expect_elements(keys, expected, 8);
    const lt_tensor batched = lt_reshape(keys, lt_shape5(1, 2, 1, 2, 2));
    expect_elements(batched, expected, 8);
    const lt_tensor merged = lt_reshape(keys, lt_shape2(2, 4)); /* heads and d follow each other */
    expect_elements(merged, expected, 8);
    const lt_tensor column = lt_reshape(lt_slice(fused, 1, 3, 1), lt_shape3(2, 1, 1));
    const int32_t thirds[] = {3, 15};
    expect_elements(column, thirds, 2);
}

static void contiguity_ignores_sizes_of_one(void **state)
{
    (void)state;
    lt_tensor t = counting(lt_shape3(1, 3, 4));
    t.stride[0] = 99;
    assert_true(lt_is_contiguous(&t));
    t = lt_slice(counting(lt_shape2(3, 4)), 0, 1, 1);
    assert_true(lt_is_contiguous(&t));
    t = lt_slice(counting(lt_shape2(3, 4)), 1, 0, 1);
    assert_false(lt_is_contiguous(&t));
}

/* While a pass is measured tensors have no memory; views of them must not make up an address. */
static void views_of_nothing_stay_nothing(void **state)
{
    (void)state;
    const lt_tensor t = lt_view(NULL, LT_F32, lt_shape2(4, 6));
    assert_null(lt_slice(t, 0, 2, 1).data);
    assert_null(lt_select(t, 1, 3).data);
    assert_null(lt_reshape(lt_slice(t, 1, 2, 4), lt_shape3(4, 2, 2)).data);
}

static void sizes_and_texts(void **state)
{
    (void)state;
    char text[64];
    const lt_tensor t = lt_view(NULL, LT_BF16, lt_shape4(13, 30, 45, 768));
    assert_string_equal(lt_shape_text(lt_shape_of(&t), text, sizeof text), "[13, 30, 45, 768]");
    assert_int_equal(lt_tensor_bytes(&t), 2 * 13 * 30 * 45 * 768);
    assert_string_equal(lt_shape_text(lt_shape3(123456789, 123456789, 1), text, 8), "[123456");
    const lt_tensor none = lt_none();
    assert_true(lt_is_none(&none));
    assert_int_equal(lt_numel(&none), 0);
    assert_int_equal(lt_tensor_bytes(&none), 0);
    assert_true(lt_same_shape(lt_shape2(3, 4), lt_shape2(3, 4)));
    assert_false(lt_same_shape(lt_shape2(3, 4), lt_shape3(3, 4, 1)));
    assert_false(lt_same_shape(lt_shape2(3, 4), lt_shape2(4, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices),
        cmocka_unit_test(permutations),
        cmocka_unit_test(reshape_splits_strided_rows),
        cmocka_unit_test(contiguity_ignores_sizes_of_one),
        cmocka_unit_test(views_of_nothing_stay_nothing),
        cmocka_unit_test(sizes_and_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
