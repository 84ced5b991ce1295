/* test_synthetic_weights.c - weights that are made when asked for. */
#include <math.h>

#include "tests/support/check.h"
#include "weights/weights.h"

typedef struct {
    lt_weight matrix;
    lt_weight norm;
    lt_weight bias;
    lt_weight_set *set;
} network;

static void bind(lt_weights *w, lt_backend *backend, network *n)
{
    lt_error err = {0};
    lt_binder *b = lt_binder_open(w, backend);
    lt_bind(b, &n->matrix, LT_ROLE_MATRIX, lt_shape2(64, 256), "layers.%d.weight", 3);
    lt_bind(b, &n->norm, LT_ROLE_VECTOR, lt_shape1(64), "norm.weight");
    lt_bind(b, &n->bias, LT_ROLE_VECTOR, lt_shape1(64), "norm.bias");
    assert_int_equal(lt_binder_close(b, &n->set, &err), LT_OK);
}

static void numbers_depend_on_seed_and_name_and_keep_the_size(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_backend *backend;
    assert_int_equal(lt_reference_open(&backend, 1, &err), LT_OK);
    network n[3];
    for (int i = 0; i < 3; i++) {
        lt_weights *w;
        assert_int_equal(lt_weights_synthetic(LT_F32, i < 2 ? 7 : 8, &w, &err), LT_OK);
        bind(w, backend, &n[i]);
        lt_weights_close(w); /* the set keeps it */
    }
    const float *a = n[0].matrix.value.data;
    double square = 0;
    for (int i = 0; i < 64 * 256; i++)
        square += (double)a[i] * a[i];
    assert_true(fabs(square / 64 - 1.0) < 0.05); /* a row has norm 1: variance 1 / fan-in */
    assert_memory_equal(a, n[1].matrix.value.data, 64 * 256 * sizeof *a);
    assert_memory_not_equal(a, n[2].matrix.value.data, 64 * 256 * sizeof *a);
    assert_true(fabsf(((const float *)n[0].norm.value.data)[0] - 1.0f) <= 0.1f);
    assert_true(fabsf(((const float *)n[0].bias.value.data)[0]) <= 0.1f);
    for (int i = 0; i < 3; i++)
        lt_weight_set_close(n[i].set);
    backend->table->close(backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_depend_on_seed_and_name_and_keep_the_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
