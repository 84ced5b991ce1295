/* test_safetensors_writer.c - what is written is read back, and nothing
 * half-written keeps the final name. */
#include <stdlib.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "weights/weights.h"

static lt_status count_up(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    (void)err;
    int64_t *const expected = user;
    assert_true(first == *expected);
    for (int64_t i = 0; i < count; i++)
        ((uint16_t *)out)[i] = (uint16_t)((first + i) * 7);
    *expected = first + count;
    return LT_OK;
}

static lt_status give_up(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    (void)user;
    (void)first;
    (void)count;
    (void)out;
    return lt_fail(err, LT_ERR_INPUT, "source gave up");
}

static void reads_back_what_it_wrote(void **state)
{
    (void)state;
    enum { LONG = 1500001 };
    const float numbers[6] = {1, -2, 3.5f, 0, 1e30f, 6};
    const int8_t small[3] = {-128, 0, 127};
    int64_t asked = 0;
    lt_writer *w;
    lt_error err = {0};
    check_ok(lt_writer_open(scratch_path("a.safetensors"), &w, &err), err);
    lt_writer_add(w, "z.i8", LT_I8, lt_shape1(3), small);
    lt_writer_add_source(w, "long", LT_U16, lt_shape1(LONG), count_up, &asked);
    lt_writer_add(w, "f32", LT_F32, lt_shape2(2, 3), numbers);
    lt_writer_add(w, "empty", LT_F32, lt_shape2(0, 3), NULL);
    lt_writer_metadata(w, "note", "line\n\"quoted\"");
    check_ok(lt_writer_close(w, &err), err);
    assert_int_equal(asked, LONG);
    assert_int_equal(scratch_count("."), 1);

    lt_weights *back;
    check_ok(lt_weights_open(scratch_path("a.safetensors"), &back, &err), err);
    assert_int_equal(lt_weights_count(back), 4);
    const lt_tensor *const f32 = lt_weights_find(back, "f32");
    assert_true(lt_same_shape(lt_shape_of(f32), lt_shape2(2, 3)));
    assert_memory_equal(f32->data, numbers, sizeof numbers);
    assert_int_equal((uintptr_t)f32->data % 4, 0);
    assert_memory_equal(lt_weights_find(back, "z.i8")->data, small, sizeof small);
    const uint16_t *const values = lt_weights_find(back, "long")->data;
    for (int64_t i = 0; i < LONG; i++)
        assert_int_equal(values[i], (uint16_t)(i * 7));
    assert_string_equal(lt_weights_metadata(back, "note"), "line\n\"quoted\"");
    lt_weights_close(back);
}

static void keeps_the_old_file_when_it_fails(void **state)
{
    (void)state;
    scratch_write_text("kept.safetensors", "old");
    lt_writer *w;
    lt_error err = {0};
    check_ok(lt_writer_open(scratch_path("kept.safetensors"), &w, &err), err);
    lt_writer_add_source(w, "a", LT_U8, lt_shape1(1), give_up, NULL);
    check_failed(lt_writer_close(w, &err), err, LT_ERR_INPUT, "source gave up");

    err = (lt_error){0};
    const float x = 0;
    check_ok(lt_writer_open(scratch_path("kept.safetensors"), &w, &err), err);
    lt_writer_add(w, "a", LT_F32, lt_shape1(1), &x);
    lt_writer_add(w, "a", LT_F32, lt_shape1(1), &x);
    check_failed(lt_writer_close(w, &err), err, LT_ERR_FAILED, "given twice");

    err = (lt_error){0};
    check_ok(lt_writer_open(scratch_path("kept.safetensors"), &w, &err), err);
    lt_writer_abandon(w);

    size_t bytes;
    char *const text = scratch_read("kept.safetensors", &bytes);
    assert_string_equal(text, "old");
    free(text);
    assert_int_equal(scratch_count("."), 2); /* a.safetensors of the first test, and this */
}

static void a_missing_folder_is_said(void **state)
{
    (void)state;
    const float x = 0;
    lt_writer *w;
    lt_error err = {0};
    check_ok(lt_writer_open(scratch_path("absent/a.safetensors"), &w, &err), err);
    lt_writer_add(w, "a", LT_F32, lt_shape1(1), &x);
    check_failed(lt_writer_close(w, &err), err, LT_ERR_INPUT, "No such file");
}

/* Through memory instead of a file: the same bytes, and the same reader. */
static void a_stream_in_memory(void **state)
{
    (void)state;
    const uint16_t numbers[3] = {1, 2, 65535};
    char *memory = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&memory, &bytes);
    assert_non_null(stream);
    lt_writer *w;
    lt_error err = {0};
    check_ok(lt_writer_open("a pipe", &w, &err), err);
    lt_writer_add(w, "numbers", LT_U16, lt_shape1(3), numbers);
    check_ok(lt_writer_close_to(w, stream, &err), err);
    fclose(stream);

    lt_weights *read = NULL;
    check_ok(lt_weights_open_memory(memory, bytes, "a pipe", &read, &err), err);
    assert_memory_equal(lt_weights_find(read, "numbers")->data, numbers, sizeof numbers);
    lt_weights_close(read);
    check_failed(lt_weights_open_memory(memory, bytes - 1, "a pipe", &read, &err), err,
                 LT_ERR_INPUT, "a pipe: ");
    assert_null(read);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_what_it_wrote),
        cmocka_unit_test(keeps_the_old_file_when_it_fails),
        cmocka_unit_test(a_missing_folder_is_said),
        cmocka_unit_test(a_stream_in_memory),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
