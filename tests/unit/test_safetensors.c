/* test_safetensors.c - files that break one rule of the format each,
 * and files that only look odd. */
#include <stdlib.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "weights/weights.h"

enum { MAX_FILE = 4096 };

/* A file of `header` and `data` bytes of zeros (0x00, 0x01, ... so that values differ). */
static void write_file(const char *name, const char *header, size_t data)
{
    unsigned char file[MAX_FILE] = {0};
    const size_t bytes = strlen(header);
    file[0] = (unsigned char)bytes;
    file[1] = (unsigned char)(bytes >> 8);
    memcpy(file + 8, header, bytes);
    for (size_t i = 0; i < data; i++)
        file[8 + bytes + i] = (unsigned char)i;
    scratch_write(name, file, 8 + bytes + data);
}

static void refuse(const char *header, size_t data, const char *because)
{
    lt_weights *w = NULL;
    lt_error err = {0};
    write_file("bad.safetensors", header, data);
    check_failed(lt_weights_open(scratch_path("bad.safetensors"), &w, &err), err, LT_ERR_INPUT,
                 because);
    assert_non_null(strstr(err.message, "bad.safetensors"));
    assert_null(w);
}

static lt_weights *open_file(const char *header, size_t data)
{
    lt_weights *w = NULL;
    lt_error err = {0};
    write_file("good.safetensors", header, data);
    check_ok(lt_weights_open(scratch_path("good.safetensors"), &w, &err), err);
    return w;
}

/* A file of so many tensors with as many sizes as one may have. */
static lt_status open_many(int tensors, lt_weights **w, lt_error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *const file = open_memstream(&text, &bytes);
    assert_non_null(file);
    for (int i = 0; i < tensors; i++)
        fprintf(file,
                "%c\"%d\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1],\"data_offsets\":[%d,%d]}",
                i == 0 ? '{' : ',', i, i, i + 1);
    fputc('}', file);
    assert_int_equal(fclose(file), 0);
    char *const whole = calloc(1, 8 + bytes + (size_t)tensors);
    assert_non_null(whole);
    for (int i = 0; i < 8; i++)
        whole[i] = (char)((uint64_t)bytes >> 8 * i);
    memcpy(whole + 8, text, bytes);
    scratch_write("many.safetensors", whole, 8 + bytes + (size_t)tensors);
    free(whole);
    free(text);
    return lt_weights_open(scratch_path("many.safetensors"), w, err);
}

static void bounds_the_number_of_tensors(void **state)
{
    (void)state;
    lt_weights *w = NULL;
    lt_error err = {0};
    check_ok(open_many(65536, &w, &err), err);
    assert_int_equal(lt_weights_count(w), 65536);
    lt_weights_close(w);
    check_failed(open_many(65537, &w, &err), err, LT_ERR_INPUT, "has more than 65536 tensors");
}

#define A_8 "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

static void refuses_broken_offsets(void **state)
{
    (void)state;
    refuse("{" A_8 "}", 7, "the file has 7");
    refuse("{" A_8 "}", 9, "1 bytes follow");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12,
           "begins at byte 4");
    refuse("{" A_8 ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12,
           "'b': begins at byte 4");
    refuse("{" A_8 ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}", 16,
           "'b': begins at byte 12");
    refuse("{" A_8 ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
           "begins at byte 0");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8,
           "ends before it begins");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8, "whole numbers");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8.0]}}", 8,
           "whole numbers");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8, "pair");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, "pair");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "pair");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9223372036854775807]}}", 8,
           "ends at byte");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,18446744073709551616]}}", 8,
           "too big");
}

static void refuses_broken_shapes(void **state)
{
    (void)state;
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "needs 12 bytes");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "whole numbers");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8,
           "whole numbers");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2e0],\"data_offsets\":[0,8]}}", 8,
           "whole numbers");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[02],\"data_offsets\":[0,8]}}", 8, "JSON");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[8589934592,8589934592],\"data_offsets\":[0,8]}}",
           8, "overflows");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1073741824,1073741824],\"data_offsets\":[0,8]}}",
           8, "overflows");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,0,4],\"data_offsets\":[0,0]}}",
           0, "overflows"); /* holds nothing, but has strides */
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1000,0,4],\"data_offsets\":[0,0]}}", 1, "follow");
    refuse("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2,
           "whole number of bytes");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, "list");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", 8,
           "at most 8");
    refuse("{\"a\":{\"dtype\":32,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "dtype");
    refuse("{\"a\":[1]}", 0, "not an object");
}

static void refuses_broken_names(void **state)
{
    (void)state;
    refuse("{" A_8 "," A_8 "}", 8, "duplicate");
    refuse("{\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "0 bytes");
    refuse("{\"a\\u001b[2J\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
           "control character or");
    refuse("{\"\xff\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
           "decode byte 0xff");
    refuse("{\"__metadata__\":{\"a\":1}}", 0, "not a string");
    refuse("{\"__metadata__\":\"a\"}", 0, "not an object");
}

static void refuses_broken_headers(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t bytes;
        const char *because;
    } bad[] = {
        {"", 0, "too few"},
        {"\x01\0\0\0\0\0\0", 7, "too few"},
        {"\0\0\0\0\0\0\0\0", 8, "does not begin with"},
        {"\x02\0\0\0\0\0\0\0[]", 10, "does not begin with"},
        {"\x03\0\0\0\0\0\0\0 {}", 11, "does not begin with"},
        {"\x03\0\0\0\0\0\0\0{}", 10, "cut short"},
        {"\x0a\0\0\0\0\0\0\0{}", 10, "cut short"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "not the length of a header"},
        {"\xf8\xff\xff\xff\xff\xff\xff\xff{}", 10, "not the length of a header"},
        {"\x03\0\0\0\0\0\0\0{}\0", 11, "JSON"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lt_weights *w = NULL;
        lt_error err = {0};
        scratch_write("bad.safetensors", bad[i].file, bad[i].bytes);
        check_failed(lt_weights_open(scratch_path("bad.safetensors"), &w, &err), err, LT_ERR_INPUT,
                     bad[i].because);
    }
}

static void refuses_what_is_not_a_file(void **state)
{
    (void)state;
    lt_weights *w = NULL;
    lt_error err = {0};
    check_failed(lt_weights_open("/dev/null", &w, &err), err, LT_ERR_INPUT, "not a regular file");
    err = (lt_error){0};
    check_failed(lt_weights_open(scratch_path("absent.safetensors"), &w, &err), err, LT_ERR_INPUT,
                 "No such file");
    err = (lt_error){0};
    check_failed(lt_weights_open(scratch_path("."), &w, &err), err, LT_ERR_INPUT,
                 "neither model.safetensors nor");
}

static void accepts_what_is_only_odd(void **state)
{
    (void)state;
    lt_weights *w = open_file("{\"e\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[4,4]},"
                              "\"s\":{\"shape\":[],\"data_offsets\":[0,4],\"dtype\":\"F32\"},"
                              "\"__metadata__\":{\"format\":\"pt\",\"b\":\"c\"}}    ",
                              4);
    assert_int_equal(lt_weights_count(w), 2);
    assert_string_equal(lt_weights_name(w, 0), "e");
    const lt_tensor *const scalar = lt_weights_find(w, "s");
    assert_int_equal(scalar->rank, 1);
    assert_int_equal(scalar->dim[0], 1);
    assert_int_equal(lt_numel(lt_weights_find(w, "e")), 0);
    assert_null(lt_weights_find(w, "absent"));
    assert_string_equal(lt_weights_metadata(w, "format"), "pt");
    assert_null(lt_weights_metadata(w, "absent"));
    assert_int_equal(lt_weights_metadata_count(w), 2);
    const char *key;
    const char *value;
    lt_weights_metadata_at(w, 1, &key, &value);
    assert_string_equal(key, "b");
    assert_string_equal(value, "c");
    lt_weights_close(w);

    w = open_file("{}", 0);
    assert_int_equal(lt_weights_count(w), 0);
    assert_int_equal(lt_weights_metadata_count(w), 0);
    lt_weights_close(w);
}

/* A dtype we do not know is an error only for whoever asks for that tensor. */
static void hides_unknown_dtypes(void **state)
{
    (void)state;
    lt_weights *const w =
        open_file("{\"a\":{\"dtype\":\"F9_NEW\",\"shape\":[3],\"data_offsets\":[0,5]},"
                  "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[5,6]},"
                  "\"c\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1],\"data_offsets\":[6,7]}}",
                  7);
    assert_true(lt_is_none(lt_weights_find(w, "a")));
    assert_false(lt_is_none(lt_weights_find(w, "b")));
    assert_true(lt_is_none(lt_weights_find(w, "c")));
    lt_weights_close(w);
}

static void aligns_what_begins_anywhere(void **state)
{
    (void)state;
    lt_weights *const w =
        open_file("{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
                  "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[3,11]},"
                  "\"c\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[11,19]}}",
                  19);
    const lt_tensor *const b = lt_weights_find(w, "b");
    const lt_tensor *const c = lt_weights_find(w, "c");
    assert_int_equal((uintptr_t)b->data % 4, 0);
    assert_int_equal((uintptr_t)c->data % 8, 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(((unsigned char *)b->data)[i], 3 + i);
        assert_int_equal(((unsigned char *)c->data)[i], 11 + i);
    }
    lt_weights_close(w);
}

static void a_view_hides_a_prefix(void **state)
{
    (void)state;
    lt_weights *const w =
        open_file("{\"w.b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                  "\"w.a.x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]},"
                  "\"w.\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]},"
                  "\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[3,4]}}",
                  4);
    lt_weights *view;
    lt_weights *inner;
    lt_error err = {0};
    check_ok(lt_weights_view(w, "w.", &view, &err), err);
    check_ok(lt_weights_view(view, "a.", &inner, &err), err);
    lt_weights_close(w);
    assert_int_equal(lt_weights_count(view), 2);
    assert_string_equal(lt_weights_name(view, 1), "b");
    assert_null(lt_weights_find(view, "x"));
    lt_weights_close(view);
    assert_int_equal(lt_weights_count(inner), 1);
    assert_int_equal(*(unsigned char *)lt_weights_find(inner, "x")->data, 1);
    lt_weights_close(inner);
}

static lt_hash hash_of(const lt_weights *w)
{
    lt_hash hash;
    lt_error err = {0};
    check_ok(lt_weights_hash(w, &hash, &err), err);
    return hash;
}

static void the_hash_is_of_content(void **state)
{
    (void)state;
    lt_weights *const w = open_file("{" A_8 "}", 8);
    lt_weights *const spaced = open_file("{ " A_8 " }  ", 8);
    lt_weights *const other =
        open_file("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}", 8);
    assert_true(lt_hash_equal(hash_of(w), hash_of(spaced)));
    assert_false(lt_hash_equal(hash_of(w), hash_of(other)));
    lt_weights_close(w);
    lt_weights_close(spaced);
    lt_weights_close(other);
}

/* Cut anywhere, a good file is refused and never read past its end. */
static void refuses_every_truncation(void **state)
{
    (void)state;
    write_file("good.safetensors",
               "{" A_8 ",\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]}}", 12);
    size_t bytes;
    char *const file = scratch_read("good.safetensors", &bytes);
    for (size_t cut = 0; cut < bytes; cut++) {
        lt_weights *w = NULL;
        lt_error err = {0};
        scratch_write("cut.safetensors", file, cut);
        check_failed(lt_weights_open(scratch_path("cut.safetensors"), &w, &err), err, LT_ERR_INPUT,
                     "cut.safetensors");
    }
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_the_number_of_tensors),
        cmocka_unit_test(refuses_broken_offsets),
        cmocka_unit_test(refuses_broken_shapes),
        cmocka_unit_test(refuses_broken_names),
        cmocka_unit_test(refuses_broken_headers),
        cmocka_unit_test(refuses_what_is_not_a_file),
        cmocka_unit_test(accepts_what_is_only_odd),
        cmocka_unit_test(hides_unknown_dtypes),
        cmocka_unit_test(aligns_what_begins_anywhere),
        cmocka_unit_test(a_view_hides_a_prefix),
        cmocka_unit_test(the_hash_is_of_content),
        cmocka_unit_test(refuses_every_truncation),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
