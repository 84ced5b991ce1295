/* test_model_folder.c - names and folders to files, in a small tree made for the test. */
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#include <stdlib.h>
#include <unistd.h>

#include "configs/model_folder.h"

static int make_tree(void **state)
{
    (void)state;
    static const char *const files[] = {"a/configs/small.yaml",
                                        "a/configs/big.yaml",
                                        "a/models/small/weights",
                                        "b/models/small/weights",
                                        "b/models/own/config.yaml",
                                        "here/config.yaml",
                                        "elsewhere/configs/mini.yaml",
                                        "elsewhere/models/mini/weights",
                                        "bare/weights"};
    scratch_open();
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        scratch_write_text(files[i], "");
    return chdir(scratch_path("."));
}

static void finds_by_name_and_folder(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        const char *name;
        const char *config;
        const char *folder;
    } cases[] = {
        {"small", "small", "a/configs/small.yaml", "a/models/small"}, /* the first root wins */
        {"big", "big", "a/configs/big.yaml", NULL},                   /* configuration alone */
        {"own", "own", "b/models/own/config.yaml", "b/models/own"},
        {"here", "here", "here/config.yaml", "here"}, /* a folder of the working directory */
        {"./here/", "here", "./here//config.yaml", "./here/"},
        {"b/models/small", "small", "a/configs/small.yaml", "b/models/small"},
        {"elsewhere/models/mini", "mini", "elsewhere/models/mini/../../configs/mini.yaml",
         "elsewhere/models/mini"},
    };
    const char *const roots[] = {"a", "b", NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cfg_model_files found;
        lt_error err = {0};
        check_ok(cfg_find_model(cases[i].model, NULL, roots, &found, &err), err);
        assert_string_equal(found.name, cases[i].name);
        assert_string_equal(found.config, cases[i].config);
        if (cases[i].folder != NULL)
            assert_string_equal(found.folder, cases[i].folder);
        else
            assert_null(found.folder);
        cfg_model_files_close(&found);
    }
}

static void says_what_is_missing(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        const char *message;
    } cases[] = {
        {"smal",
         "model 'smal': no models/smal and no configs/smal.yaml in a, b, and no such folder here"},
        {"./small", "model './small': no such folder"},
        {"bare", "model 'bare': no config.yaml in bare and no configs/bare.yaml in a, b"},
        {"./bare",
         "model './bare': no config.yaml in ./bare and no configs/bare.yaml two folders above it or in a, b"},
    };
    const char *const roots[] = {"a", "b", NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cfg_model_files found;
        lt_error err = {0};
        assert_int_equal(cfg_find_model(cases[i].model, NULL, roots, &found, &err), LT_ERR_INPUT);
        assert_string_equal(err.message, cases[i].message);
        assert_null(found.config);
    }
    const char *const none[] = {NULL};
    cfg_model_files found;
    lt_error err = {0};
    assert_int_equal(cfg_find_model("small", NULL, none, &found, &err), LT_ERR_INPUT);
    assert_string_equal(
        err.message,
        "model 'small': no models/small and no configs/small.yaml in any folder that is known, and no such folder here");
}

static void names_files_of_a_folder(void **state)
{
    (void)state;
    const char *const roots[] = {"a", NULL};
    cfg_model_files found;
    lt_error err = {0};
    char *path;
    assert_int_equal(cfg_find_model("small", NULL, roots, &found, &err), LT_OK);
    assert_int_equal(cfg_model_file(&found, "mmdit.safetensors", &path, &err), LT_OK);
    assert_string_equal(path, "a/models/small/mmdit.safetensors");
    free(path);
    cfg_model_files_close(&found);
    assert_int_equal(cfg_find_model("big", NULL, roots, &found, &err), LT_OK);
    assert_int_equal(cfg_model_file(&found, "mmdit.safetensors", &path, &err), LT_ERR_INPUT);
    cfg_model_files_close(&found);
}

/* The configuration that is given is the model's. A name that nothing has stays unknown. */
static void takes_the_configuration_that_is_given(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        const char *folder;
    } cases[] = {{"bare", "bare"}, {"./bare", "./bare"}, {"own", "b/models/own"}, {"big", NULL}};
    const char *const roots[] = {"a", "b", NULL};
    cfg_model_files found;
    lt_error err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_ok(cfg_find_model(cases[i].model, "given.yaml", roots, &found, &err), err);
        assert_string_equal(found.config, "given.yaml");
        if (cases[i].folder != NULL)
            assert_string_equal(found.folder, cases[i].folder);
        else
            assert_null(found.folder);
        cfg_model_files_close(&found);
    }
    assert_int_equal(cfg_find_model("smal", "given.yaml", roots, &found, &err), LT_ERR_INPUT);
    assert_null(found.config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_name_and_folder),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(takes_the_configuration_that_is_given),
        cmocka_unit_test(names_files_of_a_folder),
    };
    return cmocka_run_group_tests(tests, make_tree, scratch_teardown);
}
