/* test_pt_reader.c - tensors of a .pt file: views of storages, what is skipped, what is refused. */
#include "weights/pt_reader.h"

#include <stdlib.h>

#include "tests/support/check.h"
#include "tests/support/pt_writer.h"
#include "tests/support/scratch.h"
#include "weights/pack.h"

static const float numbers[6] = {0, 1, 2, 3, 4, 5};
static byte_list pickle;
static char warning[1024]; /* all of them */

static void keep_warning(void *user, const char *line)
{
    (void)user;
    strncat(warning, line, sizeof warning - strlen(warning) - 1);
}

static const lt_warnings warnings = {.warn = keep_warning};

static const pt_view plain = {
    .type = "FloatStorage", .key = "0", .count = 6, .rank = 2, .dim = {2, 3}, .stride = {3, 1}};

static int begin(void **state)
{
    (void)state;
    warning[0] = '\0';
    bytes_close(&pickle);
    pt_begin(&pickle);
    return 0;
}

static void put(const char *name, const pt_view *view)
{
    pt_string(&pickle, name);
    pt_tensor(&pickle, view);
}

/* Writes the pickle with `numbers` as storage 0 and opens it. */
static lt_status open_with(const pt_record *more, int more_count, const char *key, lt_weights **w,
                           lt_error *err)
{
    pt_record records[8] = {{"data.pkl", pickle.data, pickle.bytes},
                            {"data/0", numbers, sizeof numbers},
                            {"version", "3\n", 2}};
    for (int i = 0; i < more_count; i++)
        records[3 + i] = more[i];
    byte_list file = {0};
    pt_archive(&file, records, 3 + more_count, NULL);
    scratch_write("a.pt", file.data, file.bytes);
    bytes_close(&file);
    *err = (lt_error){0};
    *w = NULL;
    return lt_pt_open(scratch_path("a.pt"), key, &warnings, w, err);
}

static lt_weights *open_good(const char *key)
{
    lt_weights *w;
    lt_error err;
    check_ok(open_with(NULL, 0, key, &w, &err), err);
    check_ok(lt_table_verify(w, &err), err);
    return w;
}

static void check_values(const lt_weights *w, const char *name, lt_shape shape, const float *wanted)
{
    const lt_tensor *const t = lt_weights_find(w, name);
    assert_non_null(t);
    float values[8];
    assert_int_equal(t->dtype, LT_F32);
    assert_true(lt_same_shape(lt_shape_of(t), shape));
    lt_pack(t, 0, lt_numel(t), values);
    for (int64_t i = 0; i < lt_numel(t); i++)
        assert_true(values[i] == wanted[i]);
}

static void reads_views_of_one_storage(void **state)
{
    (void)state;
    pt_open_dict(&pickle);
    put("plain", &plain);
    put("transposed", &(pt_view){"FloatStorage", "0", 6, 0, 2, {3, 2}, {1, 3}});
    put("slice", &(pt_view){"FloatStorage", "0", 6, 4, 1, {2}, {1}});
    put("every second", &(pt_view){"FloatStorage", "0", 6, 1, 1, {3}, {2}});
    put("scalar", &(pt_view){"FloatStorage", "0", 6, 5, 0, {0}, {0}});
    put("empty", &(pt_view){"FloatStorage", "0", 6, 6, 2, {0, 3}, {3, 1}});
    put("repeated", &(pt_view){"FloatStorage", "0", 6, 2, 2, {2, 2}, {0, 1}});
    put("odd stride of one", &(pt_view){"FloatStorage", "0", 6, 0, 3, {1, 2, 3}, {999999, 3, 1}});
    pt_close_dict(&pickle);
    pt_end(&pickle);
    lt_weights *const w = open_good(NULL);
    assert_int_equal(lt_weights_count(w), 8);
    check_values(w, "plain", lt_shape2(2, 3), numbers);
    check_values(w, "transposed", lt_shape2(3, 2), (const float[]){0, 3, 1, 4, 2, 5});
    check_values(w, "slice", lt_shape1(2), (const float[]){4, 5});
    check_values(w, "every second", lt_shape1(3), (const float[]){1, 3, 5});
    check_values(w, "scalar", lt_shape1(1), (const float[]){5});
    check_values(w, "repeated", lt_shape2(2, 2), (const float[]){2, 3, 2, 3});
    check_values(w, "odd stride of one", lt_shape3(1, 2, 3), numbers);
    assert_int_equal(lt_numel(lt_weights_find(w, "empty")), 0);
    lt_weights_close(w);
    assert_string_equal(warning, "");

    /* Opened for a network, everything can be read row by row. */
    lt_error err = {0};
    lt_weights *packed;
    check_ok(lt_weights_open(scratch_path("a.pt"), &packed, &err), err);
    const lt_tensor *const t = lt_weights_find(packed, "transposed");
    assert_true(lt_is_contiguous(t));
    assert_true(((const float *)t->data)[1] == 3);
    lt_weights_close(packed);
}

static void reads_every_storage_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        lt_dtype dtype;
        int bytes;
    } types[] = {
        {"FloatStorage", LT_F32, 4},
        {"HalfStorage", LT_F16, 2},
        {"BFloat16Storage", LT_BF16, 2},
        {"DoubleStorage", LT_F64, 8},
        {"LongStorage", LT_I64, 8},
        {"IntStorage", LT_I32, 4},
        {"CharStorage", LT_I8, 1},
        {"ByteStorage", LT_U8, 1},
        {"BoolStorage", LT_U8, 1},
        {"ShortStorage", LT_NO_DTYPE, 2},
        {"ComplexFloatStorage", LT_NO_DTYPE, 8},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        begin(NULL);
        pt_open_dict(&pickle);
        put("a", &(pt_view){types[i].type, "1", 3, 0, 1, {3}, {1}});
        pt_close_dict(&pickle);
        pt_end(&pickle);
        const pt_record record = {"data/1", "0123456789abcdefghijklmnopqrstuv",
                                  3 * (size_t)types[i].bytes};
        lt_weights *w;
        lt_error err;
        check_ok(open_with(&record, 1, NULL, &w, &err), err);
        assert_int_equal(lt_weights_find(w, "a")->dtype, types[i].dtype);
        lt_weights_close(w);
    }
}

static void reads_untyped_storages(void **state)
{
    (void)state;
    pt_open_dict(&pickle);
    pt_string(&pickle, "a");
    pt_global(&pickle, "torch._utils", "_rebuild_tensor_v3");
    bytes_text(&pickle, "(");
    pt_storage(&pickle, "torch.storage", "UntypedStorage", "0", sizeof numbers);
    pt_int(&pickle, 2);
    pt_ints(&pickle, 1, (const int64_t[]){4});
    pt_ints(&pickle, 1, (const int64_t[]){1});
    bytes_put(&pickle, "\x89N", 2);
    pt_global(&pickle, "torch", "float32");
    bytes_text(&pickle, "tR");
    pt_close_dict(&pickle);
    pt_end(&pickle);
    lt_weights *const w = open_good(NULL);
    check_values(w, "a", lt_shape1(4), &numbers[2]);
    lt_weights_close(w);
}

/* What DeepSpeed and sat put around the weights: never looked into for
 * tensors, named in one warning. */
static void finds_the_weights_among_other_things(void **state)
{
    (void)state;
    pt_open_dict(&pickle);
    pt_string(&pickle, "decoys");
    pt_open_dict(&pickle);
    put("decoy", &plain);
    pt_close_dict(&pickle);
    pt_string(&pickle, "args");
    pt_global(&pickle, "argparse", "Namespace");
    bytes_put(&pickle, ")\x81}b", 4);
    pt_string(&pickle, "bomb");
    pt_global(&pickle, "posix", "system");
    pt_string(&pickle, "touch /tmp/longtake_was_here");
    bytes_put(&pickle, "\x85R", 2);
    pt_string(&pickle, "module");
    pt_open_dict(&pickle);
    put("a", &plain);
    pt_string(&pickle, "none");
    bytes_text(&pickle, "N");
    pt_string(&pickle, "text");
    pt_string(&pickle, "words");
    pt_close_dict(&pickle);
    pt_close_dict(&pickle);
    pt_end(&pickle);
    lt_weights *const w = open_good("module");
    assert_int_equal(lt_weights_count(w), 2);
    assert_true(lt_is_none(lt_weights_find(w, "text")));
    check_values(w, "a", lt_shape2(2, 3), numbers);
    lt_weights_close(w);
    assert_non_null(strstr(warning, "argparse.Namespace"));
    assert_non_null(strstr(warning, "posix.system"));
    assert_non_null(strstr(warning, "'text' is no tensor"));
    assert_null(strstr(warning, "'none'"));
}

static void takes_the_key_that_was_asked_for(void **state)
{
    (void)state;
    static const char *const keys[] = {"model", "state_dict", "module"};
    pt_open_dict(&pickle);
    for (int i = 0; i < 3; i++) {
        pt_string(&pickle, keys[i]);
        pt_open_dict(&pickle);
        put(keys[i], &plain);
        pt_close_dict(&pickle);
    }
    pt_close_dict(&pickle);
    pt_end(&pickle);
    for (int i = 0; i < 3; i++) {
        lt_weights *const w = open_good(keys[i]);
        assert_string_equal(lt_weights_name(w, 0), keys[i]);
        lt_weights_close(w);
    }
    lt_weights *const any = open_good("absent");
    assert_string_equal(lt_weights_name(any, 0), "model");
    lt_weights_close(any);
}

/* One tensor under one name is refused, and the message has the name. */
static void refuse_view(const pt_view *view, const char *because)
{
    lt_weights *w;
    lt_error err;
    begin(NULL);
    pt_open_dict(&pickle);
    put("layer.weight", view);
    pt_close_dict(&pickle);
    pt_end(&pickle);
    check_failed(open_with(NULL, 0, NULL, &w, &err), err, LT_ERR_INPUT, because);
    assert_non_null(strstr(err.message, "a.pt: tensor 'layer.weight': "));
    assert_null(w);
}

static void refuses_views_that_leave_their_storage(void **state)
{
    (void)state;
    const int64_t big = INT64_MAX;
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 0, 1, {7}, {1}},
                "reaches element 6 of a storage of 6");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 6, 0, {0}, {0}}, "reaches element 6");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 7, 1, {0}, {1}}, "reaches element 7");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, -1, 1, {1}, {1}}, "reaches element -1");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 1, 2, {2, 3}, {3, 1}}, "reaches element 6");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 0, 2, {2, 3}, {4, 1}}, "reaches element 6");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 5, 1, {2}, {-1}}, ">= 0");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 0, 1, {-2}, {1}}, ">= 0");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 0, 2, {big, big}, {1, 1}}, "overflows");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 0, 2, {3, 3}, {big, 1}}, "overflows");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, big, 1, {3}, {1}}, "overflows");
    refuse_view(&(pt_view){"FloatStorage", "0", 6, 0, 3, {1 << 30, 1 << 30, 1 << 30}, {0, 0, 0}},
                "overflows");
    refuse_view(
        &(pt_view){
            "FloatStorage", "0", 6, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
        "8 sizes");
}

static void refuses_storages_that_do_not_fit(void **state)
{
    (void)state;
    refuse_view(&(pt_view){"FloatStorage", "0", 5, 0, 1, {5}, {1}}, "expected 5 elements of 4");
    refuse_view(&(pt_view){"HalfStorage", "0", 6, 0, 1, {5}, {1}},
                "has 24 bytes, expected 6 elements of 2");
    refuse_view(&(pt_view){"DoubleStorage", "0", INT64_MAX / 2, 0, 1, {5}, {1}}, "has 24 bytes");
    refuse_view(&(pt_view){"FloatStorage", "1", 6, 0, 1, {5}, {1}},
                "its storage data/1 is not in the file");
    refuse_view(&(pt_view){"FloatStorage", "../0", 6, 0, 1, {5}, {1}}, "is not a number");
    refuse_view(&(pt_view){"FloatStorage", "", 6, 0, 1, {5}, {1}}, "is not a number");
    refuse_view(&(pt_view){"FloatStorage", "000000000000000000000000000000", 6, 0, 1, {5}, {1}},
                "is not a number");
}

static void refuse_pickle(const char *because)
{
    lt_weights *w;
    lt_error err;
    pt_end(&pickle);
    check_failed(open_with(NULL, 0, NULL, &w, &err), err, LT_ERR_INPUT, because);
    begin(NULL);
}

static void refuses_broken_dictionaries(void **state)
{
    (void)state;
    pt_int(&pickle, 1);
    refuse_pickle("no dictionary of tensors");

    pt_open_dict(&pickle);
    put("a", &plain);
    put("a", &plain);
    pt_close_dict(&pickle);
    refuse_pickle("tensor 'a': occurs twice");

    char name[201];
    memset(name, 'n', 200);
    name[200] = '\0';
    pt_open_dict(&pickle);
    pt_string(&pickle, name);
    bytes_put(&pickle, "q\x77N", 3); /* written once, remembered, */
    for (int i = 0; i < 100; i++)
        bytes_put(&pickle, "h\x77N", 3); /* and used a hundred times */
    pt_close_dict(&pickle);
    refuse_pickle("repeats a tensor's name");

    pt_open_dict(&pickle);
    for (int i = 0; i < 2; i++) {
        pt_string(&pickle, "module");
        pt_open_dict(&pickle);
        pt_close_dict(&pickle);
    }
    pt_close_dict(&pickle);
    refuse_pickle("key 'module' occurs twice");

    pt_open_dict(&pickle);
    pt_int(&pickle, 1);
    pt_tensor(&pickle, &plain);
    pt_close_dict(&pickle);
    refuse_pickle("a tensor has no name");

    pt_open_dict(&pickle);
    put("a\x1b[2J", &plain);
    pt_close_dict(&pickle);
    refuse_pickle("printable UTF-8");

    pt_open_dict(&pickle);
    put("a", &plain);
    put("b", &(pt_view){"IntStorage", "0", 6, 0, 1, {6}, {1}});
    pt_close_dict(&pickle);
    refuse_pickle("used as FloatStorage and as IntStorage");
}

static void refuses_other_archives(void **state)
{
    (void)state;
    static const struct {
        pt_record record;
        const char *because;
    } bad[] = {
        {{"byteorder", "big", 3}, "big-endian"},
        {{".data/version", "0\n", 2}, NULL}, /* `version` is there and good */
        {{"constants.pkl", "x", 1}, "TorchScript"},
        {{"code/a.py", "x", 1}, "TorchScript"},
        {{"byteorder", "little", 6}, NULL},
    };
    pt_open_dict(&pickle);
    put("a", &plain);
    pt_close_dict(&pickle);
    pt_end(&pickle);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lt_weights *w;
        lt_error err;
        const lt_status s = open_with(&bad[i].record, 1, NULL, &w, &err);
        if (bad[i].because)
            check_failed(s, err, LT_ERR_INPUT, bad[i].because);
        else
            check_ok(s, err);
        lt_weights_close(w);
    }
    lt_weights *w;
    lt_error err = {0};
    scratch_write("old.pt", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
    check_failed(lt_pt_open(scratch_path("old.pt"), NULL, NULL, &w, &err), err, LT_ERR_INPUT,
                 "before 1.6");
    err = (lt_error){0};
    scratch_write("old.pt", "PYTORCH1", 8);
    check_failed(lt_pt_open(scratch_path("old.pt"), NULL, NULL, &w, &err), err, LT_ERR_INPUT,
                 "not a zipped PyTorch file");
    err = (lt_error){0};
    const pt_record none = {"version", "3\n", 2};
    byte_list file = {0};
    pt_archive(&file, &none, 1, NULL);
    scratch_write("none.pt", file.data, file.bytes);
    bytes_close(&file);
    check_failed(lt_pt_open(scratch_path("none.pt"), NULL, NULL, &w, &err), err, LT_ERR_INPUT,
                 "has no data.pkl");
}

static void notices_changed_bytes(void **state)
{
    (void)state;
    pt_open_dict(&pickle);
    put("a", &plain);
    pt_close_dict(&pickle);
    pt_end(&pickle);
    lt_weights_close(open_good(NULL));
    size_t bytes;
    char *const file = scratch_read("a.pt", &bytes);
    float two = 2;
    char *const at = memmem(file, bytes, &two, sizeof two);
    assert_non_null(at);
    *at ^= 1;
    scratch_write("a.pt", file, bytes);
    free(file);
    lt_weights *w;
    lt_error err = {0};
    check_ok(lt_pt_open(scratch_path("a.pt"), NULL, NULL, &w, &err), err);
    check_failed(lt_table_verify(w, &err), err, LT_ERR_INPUT, "'a' is damaged");
    lt_weights_close(w);
}

/* A view that repeats one number a billion times is described by a small file, and stays small. */
static void refuses_to_expand_a_bomb(void **state)
{
    (void)state;
    pt_open_dict(&pickle);
    put("bomb", &(pt_view){"FloatStorage", "0", 6, 0, 2, {1 << 30, 2}, {0, 1}});
    pt_close_dict(&pickle);
    pt_end(&pickle);
    lt_weights_close(open_good(NULL));
    lt_weights *w;
    lt_error err = {0};
    check_failed(lt_weights_open(scratch_path("a.pt"), &w, &err), err, LT_ERR_INPUT, "repeat");
}

static int close_scratch(void **state)
{
    (void)state;
    scratch_close();
    bytes_close(&pickle);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_views_of_one_storage, begin),
        cmocka_unit_test_setup(reads_every_storage_type, begin),
        cmocka_unit_test_setup(reads_untyped_storages, begin),
        cmocka_unit_test_setup(finds_the_weights_among_other_things, begin),
        cmocka_unit_test_setup(takes_the_key_that_was_asked_for, begin),
        cmocka_unit_test_setup(refuses_views_that_leave_their_storage, begin),
        cmocka_unit_test_setup(refuses_storages_that_do_not_fit, begin),
        cmocka_unit_test_setup(refuses_broken_dictionaries, begin),
        cmocka_unit_test_setup(refuses_other_archives, begin),
        cmocka_unit_test_setup(notices_changed_bytes, begin),
        cmocka_unit_test_setup(refuses_to_expand_a_bomb, begin),
    };
    return cmocka_run_group_tests(tests, scratch_setup, close_scratch);
}
