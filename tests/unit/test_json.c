/* test_json.c - strict reading, exact numbers, and documents that cannot be written. */
#include "kernels/core/json.h"

#include <math.h>
#include <stdlib.h>

#include "tests/support/check.h"

static lt_status parse(const char *text, size_t bytes, lt_json **root, lt_error *err)
{
    *err = (lt_error){0};
    return lt_json_parse(text, bytes, "a.json", root, err);
}

static void refuses_what_is_not_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *because;
    } bad[] = {
        {"", "a.json"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{\"a\":{\"b\":1,\"b\":1}}", "duplicate"},
        {"{} x", "end of file"},
        {"{}{}", "end of file"},
        {"{\"a\":1,}", "a.json"},
        {"{\"a\":01}", "a.json"},
        {"{\"a\":+1}", "a.json"},
        {"{\"a\":NaN}", "a.json"},
        {"{\"a\":1e999}", "overflow"},
        {"{\"a\":9223372036854775808}", "too big"},
        {"{\"a\":\"x\ny\"}", "newline"},
        {"{\"a\":\"\\u0000\"}", "a.json"},
        {"{\"a\\u0000b\":1}", "a.json"},
        {"{\"a\":\"\\ud800\"}", "a.json"},
        {"{\"a\":\"\xff\"}", "decode byte"},
        {"{'a':1}", "a.json"},
        {"{\"a\":1 /* no */}", "a.json"},
        {"\xef\xbb\xbf{}", "a.json"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lt_json *root;
        lt_error err;
        check_failed(parse(bad[i].text, strlen(bad[i].text), &root, &err), err, LT_ERR_INPUT,
                     bad[i].because);
        assert_null(root);
    }
}

static void refuses_a_zero_byte(void **state)
{
    (void)state;
    lt_json *root;
    lt_error err;
    check_failed(parse("{\"a\0\":1}", 8, &root, &err), err, LT_ERR_INPUT, "a.json");
    check_failed(parse("{}\0", 3, &root, &err), err, LT_ERR_INPUT, "a.json");
}

/* A list of so many zeros that it would take a hundred times its own size in memory. */
static void bounds_values(void **state)
{
    (void)state;
    enum { BYTES = 2 * LT_JSON_MOST_VALUES + 6 };
    char *const text = malloc(BYTES);
    assert_non_null(text);
    for (int i = 0; i < BYTES; i += 2)
        memcpy(text + i, i == 0 ? "[0" : ",0", 2);
    text[BYTES - 1] = ']';
    lt_json *root;
    lt_error err = {0};
    const lt_status s = lt_json_parse(text, BYTES, "list", &root, &err);
    check_failed(s, err, LT_ERR_INPUT, "more than 1048576 values");
    free(text);
}

static void bounds_nesting(void **state)
{
    (void)state;
    char text[4096];
    lt_json *root;
    lt_error err;
    for (int depth = 64; depth <= 65; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        const lt_status s = parse(text, 2 * (size_t)depth, &root, &err);
        if (depth == 64)
            check_ok(s, err);
        else
            check_failed(s, err, LT_ERR_INPUT, "deeper than 64");
        lt_json_free(root);
    }
    const char *const brackets_in_text =
        "[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]";
    check_ok(parse(brackets_in_text, strlen(brackets_in_text), &root, &err), err);
    lt_json_free(root);
}

static void reads_kinds_in_order(void **state)
{
    (void)state;
    const char *const text =
        "{\"z\":9007199254740993,\"a\":[1.5,true,null,\"\\u00e9\"],\"m\":-0.0}";
    lt_json *root;
    lt_error err;
    check_ok(parse(text, strlen(text), &root, &err), err);
    const char *const order[] = {"z", "a", "m"};
    void *cursor = NULL;
    const char *key;
    const lt_json *value;
    int seen = 0;
    while (lt_json_next(root, &cursor, &key, &value))
        assert_string_equal(key, order[seen++]);
    assert_int_equal(seen, 3);
    assert_true(lt_json_int(lt_json_get(root, "z")) == 9007199254740993);
    const lt_json *const list = lt_json_get(root, "a");
    assert_int_equal(lt_json_count(list), 4);
    assert_true(lt_json_real(lt_json_at(list, 0)) == 1.5);
    assert_true(lt_json_bool(lt_json_at(list, 1)));
    assert_int_equal(lt_json_kind_of(lt_json_at(list, 2)), LT_JSON_NULL);
    size_t bytes;
    assert_string_equal(lt_json_string(lt_json_at(list, 3), &bytes), "\xc3\xa9");
    assert_int_equal(bytes, 2);
    assert_int_equal(lt_json_kind_of(lt_json_get(root, "m")), LT_JSON_REAL);
    assert_null(lt_json_get(root, "absent"));
    assert_null(lt_json_at(list, 4));
    lt_json_free(root);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    static const double real[] = {0.1, 8, 1.0 / 3, 1e-12, 1e300, -0.0};
    lt_json *const list = lt_json_new_array();
    lt_json_append(list, lt_json_new_int(INT64_MIN));
    for (size_t i = 0; i < sizeof real / sizeof *real; i++)
        lt_json_append(list, lt_json_new_real(real[i]));
    lt_json_append(list, lt_json_new_bool(false));
    lt_json *const root = lt_json_new_object();
    lt_json_set(root, "z", list);
    lt_json *const empty = lt_json_new_array();
    lt_json_append(empty, lt_json_new_object());
    lt_json_append(empty, lt_json_new_array());
    lt_json_set(root, "e", empty);
    lt_json_set(root, "a", lt_json_new_string("line\n\"quoted\""));
    char *const text = lt_json_text(root);
    assert_string_equal(
        text,
        "{\"z\":[-9223372036854775808,0.1,8.0,0.3333333333333333,1e-12,1e+300,-0.0,false],\"e\":[{},[]],\"a\":\"line\\n\\\"quoted\\\"\"}");
    lt_json *const copy = lt_json_copy(root);
    assert_true(lt_json_equal(copy, root));
    lt_json_set(root, "e", lt_json_new_int(1));
    assert_false(lt_json_equal(copy, root));
    assert_false(lt_json_equal(copy, NULL));
    char *const again = lt_json_text(copy); /* which has its own of all that is in it */
    assert_string_equal(again, text);
    lt_json_free(copy);
    free(again);
    free(text);
    lt_json_free(root);
}

static void a_document_that_lost_a_value_has_no_text(void **state)
{
    (void)state;
    lt_json *const bad[] = {lt_json_new_real(NAN), lt_json_new_string("\xff"), NULL};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lt_json *const root = lt_json_new_object();
        lt_json *const list = lt_json_new_array();
        lt_json_append(list, bad[i]);
        lt_json_append(list, lt_json_new_int(1));
        lt_json_set(root, "list", list);
        lt_json_set(root, "more", lt_json_new_int(1));
        assert_null(lt_json_text(root));
        lt_json_free(root);
    }
    lt_json_set(NULL, "key", lt_json_new_int(1));
    lt_json_append(NULL, lt_json_new_int(1));
    assert_null(lt_json_text(NULL));
    assert_null(lt_json_copy(NULL));
    lt_json_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_not_strict),
        cmocka_unit_test(refuses_a_zero_byte),
        cmocka_unit_test(bounds_nesting),
        cmocka_unit_test(bounds_values),
        cmocka_unit_test(reads_kinds_in_order),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(a_document_that_lost_a_value_has_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
