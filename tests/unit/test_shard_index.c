/* test_shard_index.c - an index of several files: what it may name, and what it must find. */
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "weights/weights.h"

/* One file with one-byte tensors of these names; the byte of the n-th is `first` + n. */
static void write_shard(const char *file, const char *const *names, unsigned char first)
{
    lt_writer *w;
    lt_error err = {0};
    unsigned char byte[8];
    check_ok(lt_writer_open(scratch_path(file), &w, &err), err);
    for (int i = 0; names[i]; i++) {
        byte[i] = (unsigned char)(first + i);
        lt_writer_add(w, names[i], LT_U8, lt_shape1(1), &byte[i]);
    }
    check_ok(lt_writer_close(w, &err), err);
}

static int write_shards(void **state)
{
    (void)state;
    scratch_open();
    scratch_write_text("dir/x", "");
    write_shard("dir/one.safetensors", (const char *const[]){"a", "b", "decoy", NULL}, 1);
    write_shard("dir/two.safetensors", (const char *const[]){"b", "c", NULL}, 11);
    write_shard("outside.safetensors", (const char *const[]){"a", NULL}, 99);
    return 0;
}

static lt_status open_index(const char *text, lt_weights **w, lt_error *err)
{
    *w = NULL;
    *err = (lt_error){0};
    scratch_write_text("dir/model.safetensors.index.json", text);
    return lt_weights_open(scratch_path("dir"), w, err);
}

static int byte_of(const lt_weights *w, const char *name)
{
    const lt_tensor *const t = lt_weights_find(w, name);
    return t ? *(const unsigned char *)t->data : -1;
}

static void takes_each_tensor_from_its_file(void **state)
{
    (void)state;
    lt_weights *w;
    lt_error err;
    check_ok(
        open_index("{\"metadata\":{\"total_size\":3.5},\"weight_map\":{\"c\":\"two.safetensors\","
                   "\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}",
                   &w, &err),
        err);
    assert_int_equal(lt_weights_count(w), 3);
    assert_int_equal(byte_of(w, "a"), 1);
    assert_int_equal(byte_of(w, "b"), 11);
    assert_int_equal(byte_of(w, "c"), 12);
    assert_int_equal(byte_of(w, "decoy"), -1);
    lt_weights_close(w);
}

static void refuses_what_it_cannot_trust(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *because;
    } bad[] = {
        {"{\"weight_map\":{\"a\":\"../outside.safetensors\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"..\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"sub/one.safetensors\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"..\\\\one.safetensors\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"absent.safetensors\"}}", "absent.safetensors: No such file"},
        {"{\"weight_map\":{\"absent\":\"one.safetensors\"}}", "'absent' is not in"},
        {"{\"weight_map\":{\"a\":1}}", "not mapped to a file name"},
        {"{\"weight_map\":[]}", "no weight_map"},
        {"{\"weight_map\":{}}", "no weight_map"},
        {"{}", "no weight_map"},
        {"[]", "no weight_map"},
        {"{\"weight_map\":{\"a\":\"one.safetensors\",\"a\":\"two.safetensors\"}}", "duplicate"},
        {"", "JSON"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lt_weights *w;
        lt_error err;
        check_failed(open_index(bad[i].text, &w, &err), err, LT_ERR_INPUT, bad[i].because);
        assert_null(w);
    }
}

static void prefers_the_single_file(void **state)
{
    (void)state;
    lt_weights *w;
    lt_error err;
    write_shard("dir/model.safetensors", (const char *const[]){"a", NULL}, 42);
    check_ok(open_index("{}", &w, &err), err);
    assert_int_equal(byte_of(w, "a"), 42);
    lt_weights_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_each_tensor_from_its_file),
        cmocka_unit_test(refuses_what_it_cannot_trust),
        cmocka_unit_test(prefers_the_single_file),
    };
    return cmocka_run_group_tests(tests, write_shards, scratch_teardown);
}
