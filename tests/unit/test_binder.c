/* test_binder.c - names, shapes, integers with scales and bad numbers,
 * against a backend that only counts. */
#include <math.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "weights/weights.h"

static int prepared;
static int prepare_fails_at;

static lt_status count_prepare(lt_backend *b, lt_weight *w, lt_error *err)
{
    if (prepared == prepare_fails_at)
        return lt_fail(err, LT_ERR_DEVICE_MEMORY, "device is full");
    prepared++;
    b->memory_in_use += lt_tensor_bytes(&w->value);
    return LT_OK;
}

static void count_unprepare(lt_backend *b, lt_weight *w)
{
    prepared--;
    b->memory_in_use -= lt_tensor_bytes(&w->value);
}

static const lt_backend_table table = {
    .name = "counter", .prepare = count_prepare, .unprepare = count_unprepare};
static lt_backend backend = {.table = &table};
static lt_weights *file;

static int open_file(void **state)
{
    (void)state;
    static const float zeros[64];
    static const float with_nan[3] = {0, 1, NAN};
    static const int8_t rows[12];
    static const uint8_t codes[128];
    static const uint16_t halves[4];
    static const uint16_t infinite[4] = {0, 0, 0x7c00, 0};
    scratch_open();
    lt_writer *w;
    lt_error err = {0};
    check_ok(lt_writer_open(scratch_path("a.safetensors"), &w, &err), err);
    lt_writer_add(w, "m", LT_F32, lt_shape2(4, 3), zeros);
    lt_writer_add(w, "point.weight", LT_F32, lt_shape5(4, 3, 1, 1, 1), zeros);
    lt_writer_add(w, "patch.weight", LT_F32, lt_shape4(4, 3, 2, 2), zeros);
    lt_writer_add(w, "norm", LT_F32, lt_shape3(1, 1, 4), zeros);
    lt_writer_add(w, "rows", LT_I8, lt_shape2(4, 3), rows);
    lt_writer_add(w, "rows_scale", LT_F32, lt_shape1(4), zeros);
    lt_writer_add(w, "lonely", LT_I8, lt_shape2(4, 3), rows);
    lt_writer_add(w, "uneven", LT_I8, lt_shape2(4, 3), rows);
    lt_writer_add(w, "uneven_scale", LT_F32, lt_shape1(3), zeros);
    lt_writer_add(w, "q8", LT_I8, lt_shape2(4, 32), codes);
    lt_writer_add(w, "q8_scale", LT_F16, lt_shape2(4, 1), halves);
    lt_writer_add(w, "q4", LT_U8, lt_shape2(2, 32), codes);
    lt_writer_add(w, "q4_scale", LT_F16, lt_shape2(2, 2), halves);
    lt_writer_add(w, "q4_short", LT_U8, lt_shape2(2, 32), codes);
    lt_writer_add(w, "q4_short_scale", LT_F16, lt_shape2(2, 1), halves);
    lt_writer_add(w, "q4_bad", LT_U8, lt_shape2(2, 32), codes);
    lt_writer_add(w, "q4_bad_scale", LT_F16, lt_shape2(2, 2), infinite);
    lt_writer_add(w, "nan", LT_F32, lt_shape1(3), with_nan);
    lt_writer_add(w, "ids", LT_I64, lt_shape1(2), zeros);
    check_ok(lt_writer_close(w, &err), err);
    check_ok(lt_weights_open(scratch_path("a.safetensors"), &file, &err), err);
    return 0;
}

static int close_file(void **state)
{
    (void)state;
    lt_weights_close(file);
    scratch_close();
    return 0;
}

static int reset(void **state)
{
    (void)state;
    prepared = 0;
    prepare_fails_at = -1;
    backend.memory_in_use = 0;
    return 0;
}

static void binds_in_the_shape_that_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        lt_role role;
        const char *name;
        lt_shape shape;
    } wanted[] = {
        {LT_ROLE_MATRIX, "m", {.rank = 2, .dim = {4, 3}}},
        {LT_ROLE_MATRIX, "point.weight", {.rank = 2, .dim = {4, 3}}},
        {LT_ROLE_CONV, "point.weight", {.rank = 5, .dim = {4, 3, 1, 1, 1}}},
        {LT_ROLE_CONV, "point.weight", {.rank = 4, .dim = {4, 3, 1, 1}}},
        {LT_ROLE_MATRIX, "patch.weight", {.rank = 2, .dim = {4, 12}}},
        {LT_ROLE_CONV, "patch.weight", {.rank = 4, .dim = {4, 3, 2, 2}}},
        {LT_ROLE_VECTOR, "norm", {.rank = 1, .dim = {4}}},
        {LT_ROLE_MATRIX, "rows", {.rank = 2, .dim = {4, 3}}},
        {LT_ROLE_MATRIX, "q8", {.rank = 2, .dim = {4, 32}}},
        {LT_ROLE_MATRIX, "q4", {.rank = 2, .dim = {2, 64}}},
    };
    static const lt_dtype dtypes[] = {LT_F32, LT_F32, LT_F32, LT_F32, LT_F32,
                                      LT_F32, LT_F32, LT_I8,  LT_Q8,  LT_Q4};
    enum { COUNT = sizeof wanted / sizeof wanted[0] };
    lt_weight place[COUNT];
    lt_binder *const b = lt_binder_open(file, &backend);
    for (int i = 0; i < COUNT; i++)
        lt_bind(b, &place[i], wanted[i].role, wanted[i].shape, "%s", wanted[i].name);
    assert_true(lt_binder_has(b, "ro%s", "ws"));
    assert_false(lt_binder_has(b, "absent"));
    lt_weight_set *set;
    lt_error err = {0};
    check_ok(lt_binder_close(b, &set, &err), err);
    assert_int_equal(prepared, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_true(lt_same_shape(lt_shape_of(&place[i].value), wanted[i].shape));
        assert_int_equal(place[i].role, wanted[i].role);
        assert_int_equal(place[i].value.dtype, dtypes[i]);
        assert_true(lt_is_none(&place[i].scale) == (dtypes[i] == LT_F32));
    }
    lt_weight_set_close(set);
    assert_int_equal(prepared, 0);
}

static void names_everything_that_does_not_fit(void **state)
{
    (void)state;
    lt_weight place[12];
    lt_binder *const b = lt_binder_open(file, &backend);
    lt_bind(b, &place[0], LT_ROLE_MATRIX, lt_shape2(4, 3), "m");
    lt_bind(b, &place[1], LT_ROLE_MATRIX, lt_shape2(3, 4), "m");
    lt_bind(b, &place[2], LT_ROLE_VECTOR, lt_shape1(4), "block.%d.bias", 7);
    lt_bind(b, &place[3], LT_ROLE_MATRIX, lt_shape2(4, 3), "lonely");
    lt_bind(b, &place[4], LT_ROLE_MATRIX, lt_shape2(4, 3), "uneven");
    lt_bind(b, &place[5], LT_ROLE_VECTOR, lt_shape1(3), "nan");
    lt_bind(b, &place[6], LT_ROLE_VECTOR, lt_shape1(2), "ids");
    lt_bind(b, &place[7], LT_ROLE_TABLE, lt_shape2(4, 3), "rows");
    lt_bind(b, &place[8], LT_ROLE_CONV, lt_shape4(4, 12, 1, 1), "patch.weight");
    lt_bind(b, &place[9], LT_ROLE_MATRIX, lt_shape2(2, 64), "q4_short");
    lt_bind(b, &place[10], LT_ROLE_MATRIX, lt_shape2(2, 64), "q4_bad");
    lt_bind(b, &place[11], LT_ROLE_MATRIX, lt_shape2(4, 64), "q8");
    lt_weight_set *set;
    lt_error err = {0};
    assert_int_equal(lt_binder_close(b, &set, &err), LT_ERR_INPUT);
    assert_null(set);
    assert_int_equal(prepared, 0);
    static const char *const lines[] = {
        "a.safetensors: 11 of 12 tensors do not fit:",
        "q4_short: is u8 [2, 32] with scales f16 [2, 1], which is no form of [2, 64]: i8 rows, q8 or q4",
        "q4_bad_scale: value 2 is not finite",
        "q8: is i8 [4, 32] with scales f16 [4, 1], which is no form of [4, 64]: i8 rows, q8 or q4",
        "m: has shape [4, 3], expected [3, 4]",
        "block.7.bias: is missing, expected [4]",
        "lonely_scale: is missing",
        "uneven: is i8 [4, 3] with scales f32 [3], which is no form of [4, 3]: i8 rows, q8 or q4",
        "nan: value 2 is not finite",
        "ids: has dtype i64, expected floats",
        "rows: has dtype i8, expected floats",
        "patch.weight: has shape [4, 3, 2, 2], expected [4, 12, 1, 1]",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!strstr(err.message, lines[i]))
            fail_msg("'%s' is not in: %s", lines[i], err.message);
}

static void counts_what_does_not_fit_into_a_message(void **state)
{
    (void)state;
    lt_weight place[200];
    lt_binder *const b = lt_binder_open(file, &backend);
    for (int i = 0; i < 200; i++)
        lt_bind(b, &place[i], LT_ROLE_VECTOR, lt_shape1(1),
                "transformer.blocks.%d.attention.norm.weight", i);
    lt_weight_set *set;
    lt_error err = {0};
    check_failed(lt_binder_close(b, &set, &err), err, LT_ERR_INPUT,
                 "200 of 200 tensors do not fit");
    assert_non_null(strstr(err.message, "blocks.0.attention"));
    assert_non_null(strstr(err.message, "more"));
    assert_true(strlen(err.message) < sizeof err.message - 1);
}

static void undoes_what_was_prepared(void **state)
{
    (void)state;
    prepare_fails_at = 1;
    lt_weight place[2];
    lt_binder *const b = lt_binder_open(file, &backend);
    lt_bind(b, &place[0], LT_ROLE_MATRIX, lt_shape2(4, 3), "m");
    lt_bind(b, &place[1], LT_ROLE_VECTOR, lt_shape1(4), "norm");
    lt_weight_set *set;
    lt_error err = {0};
    check_failed(lt_binder_close(b, &set, &err), err, LT_ERR_DEVICE_MEMORY, "device is full");
    assert_null(set);
    assert_int_equal(prepared, 0);
    assert_int_equal(backend.memory_in_use, 0);
}

static void the_set_keeps_the_file_open(void **state)
{
    (void)state;
    lt_weights *again;
    lt_weights *view;
    lt_error err = {0};
    check_ok(lt_weights_open(scratch_path("a.safetensors"), &again, &err), err);
    check_ok(lt_weights_view(again, "point.", &view, &err), err);
    lt_weight place;
    lt_weight_set *set;
    lt_binder *const b = lt_binder_open(view, &backend);
    lt_bind(b, &place, LT_ROLE_MATRIX, lt_shape2(4, 3), "weight");
    check_ok(lt_binder_close(b, &set, &err), err);
    lt_weights_close(view);
    lt_weights_close(again);
    assert_true(((const float *)place.value.data)[11] == 0);
    lt_weight_set_close(set);

    check_ok(lt_weights_view(file, "point.", &view, &err), err);
    lt_binder *const c = lt_binder_open(view, &backend);
    lt_bind(c, &place, LT_ROLE_MATRIX, lt_shape2(4, 3), "absent");
    check_failed(lt_binder_close(c, &set, &err), err, LT_ERR_INPUT, "point.absent: is missing");
    lt_weights_close(view);
    lt_weight_set_close(NULL);
}

static bool is_not_q8(const char *name, lt_shape shape)
{
    return shape.rank == 2 && strcmp(name, "q8") != 0;
}

/* Of matrices those that are chosen, in views too; nothing else. */
static void products_are_rounded_where_it_was_said(void **state)
{
    (void)state;
    static const struct {
        lt_role role;
        const char *name;
        lt_shape shape;
        lt_rounding rounding;
    } wanted[] = {
        {LT_ROLE_MATRIX, "m", {.rank = 2, .dim = {4, 3}}, LT_ROUND_INT8},
        {LT_ROLE_HEAD, "m", {.rank = 2, .dim = {4, 3}}, LT_ROUND_NONE},
        {LT_ROLE_TABLE, "m", {.rank = 2, .dim = {4, 3}}, LT_ROUND_NONE},
        {LT_ROLE_MATRIX, "q4", {.rank = 2, .dim = {2, 64}}, LT_ROUND_INT8},
        {LT_ROLE_MATRIX, "q8", {.rank = 2, .dim = {4, 32}}, LT_ROUND_NONE},
    };
    enum { COUNT = sizeof wanted / sizeof wanted[0] };
    for (int chosen = 1; chosen >= 0; chosen--) {
        lt_error err = {0};
        lt_weight place[COUNT];
        lt_weights *view;
        lt_weight_set *set;
        lt_weights_rounding(file, LT_ROUND_INT8, chosen ? is_not_q8 : NULL);
        check_ok(lt_weights_view(file, "", &view, &err), err);
        lt_binder *const b = lt_binder_open(view, &backend);
        for (int i = 0; i < COUNT; i++)
            lt_bind(b, &place[i], wanted[i].role, wanted[i].shape, "%s", wanted[i].name);
        check_ok(lt_binder_close(b, &set, &err), err);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(place[i].rounding, chosen ? wanted[i].rounding : LT_ROUND_NONE);
        lt_weight_set_close(set);
        lt_weights_close(view);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(binds_in_the_shape_that_was_asked_for, reset),
        cmocka_unit_test_setup(names_everything_that_does_not_fit, reset),
        cmocka_unit_test_setup(counts_what_does_not_fit_into_a_message, reset),
        cmocka_unit_test_setup(undoes_what_was_prepared, reset),
        cmocka_unit_test_setup(the_set_keeps_the_file_open, reset),
        cmocka_unit_test_setup(products_are_rounded_where_it_was_said, reset),
    };
    return cmocka_run_group_tests(tests, open_file, close_file);
}
