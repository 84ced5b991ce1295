/* test_ops.c - the life of a pass: dry and real runs, growth, the failure that
 * sticks, shapes that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "kernels/ops.h"

static lt_backend *backend;

static int open_backend(void **state)
{
    (void)state;
    lt_error err = {0};
    return lt_reference_open(&backend, 2, &err) != LT_OK;
}

static int close_backend(void **state)
{
    (void)state;
    backend->table->close(backend);
    return 0;
}

static lt_weight weight_of(float *values, lt_shape shape, lt_role role)
{
    const lt_weight w = {.value = lt_view(values, LT_F32, shape), .scale = lt_none(), .role = role};
    return w;
}

/* ---- a pass that doubles its input, with scratch that is given back ---- */

typedef struct {
    int64_t n;
    const float *in;
    float *out;
    int runs;
} doubling;

static lt_status doubling_pass(lt_ops *o, void *user)
{
    doubling *d = user;
    d->runs++;
    const lt_tensor x = lt_from_host(o, d->in, LT_F32, lt_shape1(d->n));
    const lt_mark mark = lt_ops_mark(o);
    for (int i = 0; i < 3; i++) {
        (void)lt_add(o, x, x);
        lt_ops_rewind(o, mark);
    }
    lt_download(o, d->out, lt_add(o, x, x));
    return lt_ops_status(o);
}

static void runs_dry_then_for_real(void **state)
{
    (void)state;
    const float in[3] = {1, -2, 3};
    float out[3] = {0};
    doubling d = {.n = 3, .in = in, .out = out};
    lt_ops o;
    lt_error err = {0};
    lt_ops_open(&o, backend);
    size_t peak;
    assert_int_equal(lt_ops_measure(&o, doubling_pass, &d, &peak), LT_OK);
    assert_int_equal(peak, 128); /* two tensors at a time */
    assert_true(out[0] == 0);    /* a dry pass writes nothing */
    assert_null(o.block);
    assert_int_equal(lt_ops_run(&o, doubling_pass, &d, &err), LT_OK);
    assert_int_equal(d.runs, 3);
    assert_true(out[0] == 2 && out[1] == -4 && out[2] == 6);
    assert_int_equal(o.arena.peak, peak); /* the real run needed what the dry one said */
    lt_ops_close(&o);
}

static void the_arena_grows_when_it_must(void **state)
{
    (void)state;
    float in[100] = {0};
    float out[100];
    doubling d = {.n = 1, .in = in, .out = out};
    lt_ops o;
    lt_error err = {0};
    const size_t before = backend->memory_in_use;
    lt_ops_open(&o, backend);
    assert_int_equal(lt_ops_run(&o, doubling_pass, &d, &err), LT_OK);
    const void *small = o.block;
    assert_int_equal(lt_ops_run(&o, doubling_pass, &d, &err), LT_OK);
    assert_ptr_equal(o.block, small);
    d.n = 100;
    assert_int_equal(lt_ops_run(&o, doubling_pass, &d, &err), LT_OK);
    assert_int_equal(o.arena.capacity, 2 * 448);
    assert_int_equal(backend->memory_in_use - before, 2 * 448);
    d.n = 1; /* and keeps its size afterwards */
    assert_int_equal(lt_ops_run(&o, doubling_pass, &d, &err), LT_OK);
    assert_int_equal(o.arena.capacity, 2 * 448);
    lt_ops_close(&o);
    assert_int_equal(backend->memory_in_use, before);
    lt_ops_close(&o); /* a closed one may be closed again */
}

/* ---- failures ---- */

typedef struct {
    int step;       /* which mistake to make */
    lt_shape after; /* shape of a result made after the failure */
    bool after_has_memory;
} mistake;

static lt_status mistaken_pass(lt_ops *o, void *user)
{
    mistake *m = user;
    static float values[64];
    const lt_weight w = weight_of(values, lt_shape2(5, 4), LT_ROLE_MATRIX);
    const lt_weight three = weight_of(values, lt_shape1(3), LT_ROLE_VECTOR);
    const lt_weight kernel = weight_of(values, lt_shape4(2, 4, 3, 3), LT_ROLE_CONV);
    const lt_tensor x = lt_new(o, LT_F32, lt_shape2(6, 4));
    const lt_tensor video = lt_new(o, LT_F32, lt_shape4(1, 2, 2, 4));
    const lt_tensor ids = lt_new(o, LT_I32, lt_shape1(6));
    switch (m->step) {
    case 0:
        (void)lt_linear(o, lt_slice(x, 1, 0, 3), &w, NULL, LT_ACT_NONE);
        break;
    case 1:
        (void)lt_linear(o, x, &w, &three, LT_ACT_NONE);
        break;
    case 2:
        (void)lt_gather(o, &w, x);
        break;
    case 3:
        lt_add_into(o, x, lt_reshape(ids, lt_shape2(6, 1)));
        break;
    case 4:
        lt_add_into(o, x, lt_new(o, LT_F32, lt_shape2(5, 4)));
        break;
    case 5: {
        const lt_conv_args a = {.stride = 1};
        (void)lt_conv(o, video, &kernel, NULL, &a);
        break;
    }
    case 6: {
        const lt_group_norm_args a = {.groups = 3};
        (void)lt_group_norm(o, video, NULL, NULL, &a);
        break;
    }
    case 7:
        (void)lt_activate(o, lt_permute(x, (const int[]){1, 0}), LT_ACT_SILU);
        break;
    case 8: {
        const lt_attention_args a = {.scale = 1, .visible = x};
        const lt_tensor q = lt_reshape(x, lt_shape3(6, 1, 4));
        (void)lt_attention(o, q, q, q, &a);
        break;
    }
    case 9:
        lt_download(o, values, lt_slice(x, 1, 0, 2));
        break;
    case 10:
        (void)lt_new(o, LT_F32, lt_shape3(INT64_MAX / 2, 3, 2));
        break;
    default:
        (void)lt_ops_fail(o, LT_ERR_INPUT, "prompt: %d ids, expected at most %d", 7, 5);
        break;
    }
    const lt_tensor after = lt_linear(o, x, &w, NULL, LT_ACT_NONE);
    m->after = lt_shape_of(&after);
    m->after_has_memory = after.data != NULL;
    (void)lt_ops_fail(o, LT_ERR_DEVICE, "a later failure");
    return lt_ops_status(o);
}

/* Found in the dry pass, named with what was found and what was expected; later
 * operations keep their shapes. */
static void the_first_failure_sticks(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "linear: x is f32 [6, 3], expected rows of 4",
        "linear: bias is f32 [3], expected 5 values",
        "gather: ids is f32 [6, 4], expected i32 [n]",
        "axpby: y is i32 [6, 1], expected f32 or bf16",
        "axpby: y is f32 [5, 4], expected sizes 1 or those of [6, 4]",
        "conv: x is f32 [1, 2, 2, 4], expected a size that holds the kernel",
        "group_norm: x is f32 [1, 2, 2, 4], expected channels in 3 groups",
        "activate: x is f32 [4, 6], expected a contiguous last dimension",
        "attention: visible is f32 [6, 4], expected i32",
        "download: f32 [6, 2] is not contiguous",
        "new tensor: f32 [4611686018427387903, 3, 2] has no size in memory",
        "prompt: 7 ids, expected at most 5",
    };
    for (int i = 0; i < (int)(sizeof expected / sizeof *expected); i++) {
        mistake m = {.step = i};
        lt_ops o;
        lt_error err = {0};
        lt_ops_open(&o, backend);
        const lt_status s = lt_ops_run(&o, mistaken_pass, &m, &err);
        assert_int_equal(s, i == 11 ? LT_ERR_INPUT : LT_ERR_FAILED);
        assert_int_equal(err.code, s);
        assert_string_equal(err.message, expected[i]);
        assert_true(lt_same_shape(m.after, lt_shape2(6, 5)));
        assert_false(m.after_has_memory);
        assert_null(o.block); /* never came to a real run */
        lt_ops_close(&o);
    }
}

static lt_status failing_only_for_real(lt_ops *o, void *user)
{
    (void)user;
    return o->measuring ? LT_OK : LT_ERR_INPUT;
}

static void a_status_without_a_message_is_reported(void **state)
{
    (void)state;
    lt_ops o;
    lt_error err = {0};
    lt_ops_open(&o, backend);
    assert_int_equal(lt_ops_run(&o, failing_only_for_real, NULL, &err), LT_ERR_INPUT);
    assert_non_null(strstr(err.message, "no message"));
    err = (lt_error){0}; /* the next run starts afresh */
    const float in = 4;
    float out;
    doubling d = {.n = 1, .in = &in, .out = &out};
    assert_int_equal(lt_ops_run(&o, doubling_pass, &d, &err), LT_OK);
    assert_true(out == 8);
    lt_ops_close(&o);
}

/* ---- empty tensors ---- */

static lt_status empty_pass(lt_ops *o, void *user)
{
    (void)user;
    static float values[20];
    const lt_weight w = weight_of(values, lt_shape2(5, 4), LT_ROLE_MATRIX);
    const lt_tensor x = lt_new(o, LT_F32, lt_shape2(0, 4));
    const lt_tensor y = lt_linear(o, x, &w, NULL, LT_ACT_NONE);
    lt_add_into(o, y, y);
    lt_fill_into(o, y, 1);
    return lt_ops_status(o);
}

static void no_rows_are_no_work(void **state)
{
    (void)state;
    lt_ops o;
    lt_error err = {0};
    lt_ops_open(&o, backend);
    assert_int_equal(lt_ops_run(&o, empty_pass, NULL, &err), LT_OK);
    lt_ops_close(&o);
}

/* ---- buffers and the profile ---- */

static void buffers_outlive_a_pass(void **state)
{
    (void)state;
    lt_error err = {0};
    const size_t before = backend->memory_in_use;
    lt_tensor t;
    assert_int_equal(lt_buffer_open(backend, LT_BF16, lt_shape3(2, 3, 4), &t, &err), LT_OK);
    assert_int_equal((uintptr_t)t.data % 64, 0);
    assert_int_equal(backend->memory_in_use - before, 48);
    lt_buffer_close(backend, &t);
    assert_true(lt_is_none(&t));
    lt_buffer_close(backend, &t);
    assert_int_equal(backend->memory_in_use, before);
    assert_int_equal(lt_buffer_open(backend, LT_F32, lt_shape2(INT64_MAX, 2), &t, &err),
                     LT_ERR_FAILED);
    assert_true(lt_is_none(&t));
}

static void more_memory_than_there_is(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_tensor t;
    assert_int_equal(lt_buffer_open(backend, LT_U8, lt_shape1(INT64_MAX), &t, &err),
                     LT_ERR_RESOURCES);
    assert_non_null(strstr(err.message, "9223372036854775807"));
}

static void the_profile_counts_real_work_only(void **state)
{
    (void)state;
    float in[2] = {1, 2};
    float out[2];
    doubling d = {.n = 2, .in = in, .out = out};
    lt_op_total total[40];
    lt_ops o;
    lt_error err = {0};
    assert_int_equal(lt_profile_read(backend, total, 40), 0);
    assert_int_equal(lt_profile_start(backend, &err), LT_OK);
    lt_ops_open(&o, backend);
    assert_int_equal(lt_ops_run(&o, doubling_pass, &d, &err), LT_OK);
    lt_ops_close(&o);
    const int rows = lt_profile_read(backend, total, 40);
    assert_int_equal(rows, 3); /* axpby, upload, download */
    assert_string_equal(total[0].name, "axpby");
    assert_int_equal(total[0].calls, 4);
    assert_true(total[0].bytes == 4 * 3 * 8);
    assert_true(total[0].seconds >= 0);
    assert_int_equal(total[1].calls + total[2].calls, 2);
    assert_int_equal(lt_profile_start(backend, &err), LT_OK); /* again from zero */
    assert_int_equal(lt_profile_read(backend, total, 40), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_dry_then_for_real),
        cmocka_unit_test(the_arena_grows_when_it_must),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(a_status_without_a_message_is_reported),
        cmocka_unit_test(no_rows_are_no_work),
        cmocka_unit_test(buffers_outlive_a_pass),
        cmocka_unit_test(more_memory_than_there_is),
        cmocka_unit_test(the_profile_counts_real_work_only),
    };
    return cmocka_run_group_tests(tests, open_backend, close_backend);
}
