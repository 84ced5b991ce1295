/* test_measure_backend.c - what is counted is what the real devices take. */
#include <stdlib.h>

#include "kernels/ops.h"
#include "tests/support/check.h"

typedef struct {
    lt_role role;
    lt_dtype dtype;
    lt_shape shape;
} weight_case;

static const weight_case weights[] = {
    {LT_ROLE_MATRIX, LT_F32, {2, {48, 40}}},
    {LT_ROLE_MATRIX, LT_BF16, {2, {33, 7}}},
    {LT_ROLE_MATRIX, LT_F32, {2, {1100, 1000}}},
    {LT_ROLE_HEAD, LT_F16, {2, {71, 32}}},
    {LT_ROLE_TABLE, LT_F16, {2, {10, 16}}},
    {LT_ROLE_VECTOR, LT_F16, {1, {100}}},
    {LT_ROLE_VECTOR, LT_F32, {1, {3}}},
    {LT_ROLE_CONV, LT_F32, {5, {5, 3, 3, 3, 3}}},
    {LT_ROLE_CONV, LT_BF16, {4, {16, 130, 1, 1}}},
};

enum { WEIGHTS = sizeof weights / sizeof *weights, BLOCK_OVERHEAD = 128, BLOCKS_OF_A_WEIGHT = 2 };

static void prepared_is_foreseen(lt_backend *b)
{
    lt_error err = {0};
    lt_backend *counter = NULL;
    check_ok(lt_measure_open(&counter, b, &err), err);
    for (int i = 0; i < WEIGHTS; i++) {
        const lt_tensor like = lt_view(NULL, weights[i].dtype, weights[i].shape);
        void *values = aligned_alloc(64, (lt_tensor_bytes(&like) + 63) / 64 * 64);
        assert_non_null(values);
        memset(values, 0, lt_tensor_bytes(&like));
        lt_weight real = {.value = lt_view(values, weights[i].dtype, weights[i].shape),
                          .scale = lt_none(),
                          .role = weights[i].role};
        lt_weight counted = real;
        const size_t before = b->memory_in_use;
        check_ok(b->table->prepare(b, &real, &err), err);
        check_ok(counter->table->prepare(counter, &counted, &err), err);
        const size_t took = b->memory_in_use - before;
        const size_t foreseen = counter->memory_in_use;
        if (foreseen > took || took - foreseen > BLOCK_OVERHEAD * BLOCKS_OF_A_WEIGHT)
            fail_msg("%s, weight %d: %zu bytes foreseen, %zu taken", b->table->name, i, foreseen,
                     took);
        b->table->unprepare(b, &real);
        counter->table->unprepare(counter, &counted);
        assert_int_equal(counter->memory_in_use, 0);
        free(values);
    }
    counter->table->close(counter);
}

static void weights_take_what_is_foreseen(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_backend *b = NULL;
    check_ok(lt_reference_open(&b, 1, &err), err);
    prepared_is_foreseen(b);
    b->table->close(b);
    check_ok(lt_cpu_open(&b, 1, LT_F32, &err), err);
    prepared_is_foreseen(b);
    b->table->close(b);
}

static lt_status two_tensors(lt_ops *o, void *user)
{
    float *host = user;
    for (int i = 0; i < 64 * 64; i++)
        host[i] = 1;
    const lt_tensor x = lt_from_host(o, host, LT_F32, lt_shape2(64, 64));
    const lt_tensor copy = lt_new(o, LT_F32, lt_shape2(64, 64));
    lt_copy_into(o, copy, x);
    lt_download(o, host, copy);
    return lt_ops_status(o);
}

static void passes_are_counted_and_give_zeros(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_backend *real = NULL;
    lt_backend *counter = NULL;
    check_ok(lt_reference_open(&real, 1, &err), err);
    check_ok(lt_measure_open(&counter, real, &err), err);
    float *host = malloc(64 * 64 * sizeof *host);
    assert_non_null(host);
    lt_backend *const each[] = {real, counter};
    size_t peak[2];
    for (int i = 0; i < 2; i++) {
        lt_ops o;
        lt_ops_open(&o, each[i]);
        check_ok(lt_ops_run(&o, two_tensors, host, &err), err);
        peak[i] = each[i]->memory_peak;
        assert_true(host[5] == (i == 0 ? 1.0F : 0.0F));
        lt_ops_close(&o);
        assert_int_equal(each[i]->memory_in_use, 0);
    }
    assert_int_equal(peak[0], peak[1]);
    free(host);
    counter->table->close(counter);
    real->table->close(real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_take_what_is_foreseen),
        cmocka_unit_test(passes_are_counted_and_give_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
