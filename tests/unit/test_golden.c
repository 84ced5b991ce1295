/* test_golden.c - what a golden file must hold, and how far apart two outputs are. */
#include "weights/golden.h"

#include <math.h>
#include <stdlib.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"

typedef struct {
    const char *key;
    const char *value; /* NULL: leave the key out */
} change;

/* A good file with one metadata key changed. */
static lt_status open_changed(change c, lt_golden **g, lt_error *err)
{
    static const change all[] = {
        {"format", "longtake-golden-1"},
        {"component", "mmdit.time"},
        {"config", "{\"width\":8,\"rate\":0.5,\"name\":\"x\"}"},
        {"bound.v", "1e-3"},
        {"bound_bf16.v", "0.25"},
        {"bound.ids", "exact"},
    };
    static const float v[4] = {3, 0, 0, 4};
    static const int64_t ids[3] = {7, 8, 1000000};
    static const double odd[2] = {1.5, 3e9};
    *err = (lt_error){0};
    *g = NULL;
    lt_writer *w;
    check_ok(lt_writer_open(scratch_path("g.safetensors"), &w, err), *err);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const bool changed = c.key && strcmp(c.key, all[i].key) == 0;
        if (!changed || c.value)
            lt_writer_metadata(w, all[i].key, changed ? c.value : all[i].value);
    }
    lt_writer_add(w, "out.v", LT_F32, lt_shape2(2, 2), v);
    lt_writer_add(w, "out.ids", LT_I64, lt_shape1(3), ids);
    lt_writer_add(w, "in.ids", LT_I64, lt_shape1(3), ids);
    lt_writer_add(w, "in.odd", LT_F64, lt_shape1(2), odd);
    lt_writer_add(w, "in.nothing", LT_F32, lt_shape3(2, 0, 4), NULL);
    lt_writer_add(w, "w.bias", LT_F32, lt_shape1(4), v);
    check_ok(lt_writer_close(w, err), *err);
    return lt_golden_open(scratch_path("g.safetensors"), g, err);
}

static void refuses_what_it_cannot_judge(void **state)
{
    (void)state;
    static const struct {
        change change;
        const char *because;
    } bad[] = {
        {{"format", NULL}, "format"},
        {{"format", "longtake-golden-2"}, "format"},
        {{"component", NULL}, "component"},
        {{"config", NULL}, "config"},
        {{"config", "[1]"}, "config"},
        {{"config", "{\"a\":1,\"a\":2}"}, "duplicate"},
        {{"bound.v", NULL}, "bound.v is missing"},
        {{"bound.v", "nan"}, "bound.v is 'nan'"},
        {{"bound.v", "inf"}, "bound.v is 'inf'"},
        {{"bound.v", "-1e-6"}, "bound.v is '-1e-6'"},
        {{"bound.v", "1e-6 or so"}, "bound.v"},
        {{"bound.v", ""}, "bound.v"},
        {{"bound_bf16.v", "much"}, "bound_bf16.v is 'much'"},
        {{"bound.ids", NULL}, "bound.ids is missing"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lt_golden *g;
        lt_error err;
        check_failed(open_changed(bad[i].change, &g, &err), err, LT_ERR_INPUT, bad[i].because);
        assert_null(g);
    }
}

static void hands_out_inputs_and_config(void **state)
{
    (void)state;
    lt_golden *g;
    lt_error err;
    check_ok(open_changed((change){0}, &g, &err), err);
    assert_string_equal(lt_golden_component(g), "mmdit.time");
    int64_t width;
    double rate;
    check_ok(lt_golden_int(g, "width", &width, &err), err);
    check_ok(lt_golden_real(g, "rate", &rate, &err), err);
    assert_int_equal(width, 8);
    assert_true(rate == 0.5);
    check_failed(lt_golden_int(g, "rate", &width, &err), err, LT_ERR_INPUT,
                 "'rate' is of another kind");
    err = (lt_error){0};
    check_failed(lt_golden_real(g, "absent", &rate, &err), err, LT_ERR_INPUT,
                 "'absent' is missing");
    assert_int_equal(lt_weights_count(lt_golden_weights(g)), 1);
    assert_non_null(lt_weights_find(lt_golden_weights(g), "bias"));

    err = (lt_error){0};
    int32_t *ids;
    float *odd;
    lt_shape shape;
    check_ok(lt_golden_input_i32(g, "ids", 1, &ids, &shape, &err), err);
    assert_true(shape.rank == 1 && shape.dim[0] == 3 && ids[2] == 1000000);
    free(ids);
    check_ok(lt_golden_input_f32(g, "odd", 0, &odd, &shape, &err), err);
    assert_true(odd[0] == 1.5f);
    free(odd);
    check_failed(lt_golden_input_i32(g, "odd", 0, &ids, &shape, &err), err, LT_ERR_INPUT,
                 "value 0 is 1.5");
    err = (lt_error){0};
    const lt_tensor *t;
    check_failed(lt_golden_input(g, "ids", 2, &t, &err), err, LT_ERR_INPUT,
                 "1 dimensions, expected 2");
    err = (lt_error){0};
    check_failed(lt_golden_input(g, "absent", 0, &t, &err), err, LT_ERR_INPUT,
                 "in.absent is missing");
    err = (lt_error){0};
    check_failed(lt_golden_input_f32(g, "nothing", 3, &odd, &shape, &err), err, LT_ERR_INPUT,
                 "in.nothing is [2, 0, 4], expected no size of 0");
    assert_true(lt_golden_has_input(g, "ids") && !lt_golden_has_input(g, "v"));
    lt_golden_close(g);
}

static void judges_by_relative_distance(void **state)
{
    (void)state;
    static const struct {
        float v[4];
        int32_t ids[3];
        bool ok_in_f32;
        bool ok_in_bf16;
    } cases[] = {
        {{3, 0, 0, 4}, {7, 8, 1000000}, true, true},
        {{3, 0, 0.004f, 4}, {7, 8, 1000000}, true, true},  /* 8e-4 of 1e-3 */
        {{3, 0, 0.006f, 4}, {7, 8, 1000000}, false, true}, /* 1.2e-3 */
        {{3, 1.2f, 0, 4}, {7, 8, 1000000}, false, true},   /* 0.24 of 0.25 */
        {{3, 1.3f, 0, 4}, {7, 8, 1000000}, false, false},
        {{3, NAN, 0, 4}, {7, 8, 1000000}, false, false},
        {{3, 0, INFINITY, 4}, {7, 8, 1000000}, false, false},
        {{3, 0, 0, 4}, {7, 8, 1000001}, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lt_golden *g;
        lt_error err;
        check_ok(open_changed((change){0}, &g, &err), err);
        check_ok(lt_golden_report(g, "v", LT_F32, lt_shape2(2, 2), cases[i].v, &err), err);
        check_ok(lt_golden_report(g, "ids", LT_I32, lt_shape1(3), cases[i].ids, &err), err);
        for (int bf16 = 0; bf16 < 2; bf16++) {
            const lt_golden_line *line;
            assert_int_equal(lt_golden_verdict(g, bf16, &line), 2);
            assert_string_equal(line[0].name, "out.ids");
            assert_true(line[0].exact && !line[1].exact);
            assert_int_equal(line[0].ok && line[1].ok,
                             bf16 ? cases[i].ok_in_bf16 : cases[i].ok_in_f32);
        }
        lt_golden_close(g);
    }
}

static void without_a_bound_for_bf16_finite_values_will_do(void **state)
{
    (void)state;
    static const float values[][4] = {{30, 0, 0, 4}, {3, NAN, 0, 4}};
    for (int bad = 0; bad < 2; bad++) {
        lt_golden *g;
        lt_error err;
        const lt_golden_line *line;
        check_ok(open_changed((change){"bound_bf16.v", "none"}, &g, &err), err);
        lt_golden_verdict(g, true, &line);
        assert_false(line[1].ok); /* it was never computed */
        check_ok(lt_golden_report(g, "v", LT_F32, lt_shape2(2, 2), values[bad], &err), err);
        lt_golden_verdict(g, true, &line);
        assert_int_equal(line[1].ok, !bad);
        assert_true(isinf(line[1].bound));
        lt_golden_verdict(g, false, &line);
        assert_false(line[1].ok);
        lt_golden_close(g);
    }
}

static void an_output_left_out_or_misshapen_fails(void **state)
{
    (void)state;
    static const float v[4] = {3, 0, 0, 4};
    lt_golden *g;
    lt_error err;
    const lt_golden_line *line;
    check_ok(open_changed((change){0}, &g, &err), err);
    check_ok(lt_golden_report(g, "v", LT_F32, lt_shape1(4), v, &err), err);
    lt_golden_verdict(g, false, &line);
    assert_false(line[0].ok);
    assert_false(line[1].ok);
    assert_true(isinf(line[1].rel_l2));
    check_failed(lt_golden_report(g, "w", LT_F32, lt_shape1(4), v, &err), err, LT_ERR_INPUT,
                 "out.w");
    lt_golden_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_it_cannot_judge),
        cmocka_unit_test(hands_out_inputs_and_config),
        cmocka_unit_test(judges_by_relative_distance),
        cmocka_unit_test(without_a_bound_for_bf16_finite_values_will_do),
        cmocka_unit_test(an_output_left_out_or_misshapen_fails),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
