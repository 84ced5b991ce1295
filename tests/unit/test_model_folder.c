/* test_model_folder.c - names and folders to files, in a small tree made for the test. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "configs/model_folder.h"

static char tree[] = "/tmp/longtake_models_XXXXXX";

static const char *in_tree(const char *path)
{
    static char text[512];
    snprintf(text, sizeof text, "%s/%s", tree, path);
    return text;
}

static void touch(const char *path)
{
    FILE *file = fopen(in_tree(path), "wb");
    assert_non_null(file);
    fclose(file);
}

static const char *const folders[] = { "a", "a/configs", "a/models", "a/models/small", "b", "b/configs", "b/models", "b/models/small",
                                       "b/models/own", "here", "bare" };
static const char *const files[] = { "a/configs/small.yaml", "a/configs/big.yaml", "b/models/own/config.yaml", "here/config.yaml" };

enum { FOLDERS = sizeof folders / sizeof folders[0], FILES = sizeof files / sizeof files[0] };

static int make_tree(void **state)
{
    (void)state;
    if (mkdtemp(tree) == NULL)
        return -1;
    for (int i = 0; i < FOLDERS; i++)
        mkdir(in_tree(folders[i]), 0700);
    for (int i = 0; i < FILES; i++)
        touch(files[i]);
    return chdir(tree);
}

static int remove_tree(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++)
        remove(in_tree(files[i]));
    for (int i = FOLDERS; i-- > 0;)
        rmdir(in_tree(folders[i]));
    return rmdir(tree);
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
        { "small", "small", "a/configs/small.yaml", "a/models/small" }, /* the first root wins */
        { "big", "big", "a/configs/big.yaml", NULL },                   /* configuration alone */
        { "own", "own", "b/models/own/config.yaml", "b/models/own" },
        { "here", "here", "here/config.yaml", "here" },                 /* a folder of the working directory */
        { "./here/", "here", "./here//config.yaml", "./here/" },
        { "b/models/small", "small", "a/configs/small.yaml", "b/models/small" },
    };
    const char *const roots[] = { "a", "b", NULL };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cfg_model_files found;
        lt_error err = {0};
        if (cfg_find_model(cases[i].model, roots, &found, &err) != LT_OK)
            fail_msg("%s", err.message);
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
        { "smal", "model 'smal': no models/smal and no configs/smal.yaml in a, b, and no such folder here" },
        { "./small", "model './small': no such folder" },
        { "bare", "model 'bare': bare has no config.yaml and there is no configs/bare.yaml" },
    };
    const char *const roots[] = { "a", "b", NULL };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cfg_model_files found;
        lt_error err = {0};
        assert_int_equal(cfg_find_model(cases[i].model, roots, &found, &err), LT_ERR_INPUT);
        assert_string_equal(err.message, cases[i].message);
        assert_null(found.config);
    }
}

static void names_files_of_a_folder(void **state)
{
    (void)state;
    const char *const roots[] = { "a", NULL };
    cfg_model_files found;
    lt_error err = {0};
    char *path;
    assert_int_equal(cfg_find_model("small", roots, &found, &err), LT_OK);
    assert_int_equal(cfg_model_file(&found, "mmdit.safetensors", &path, &err), LT_OK);
    assert_string_equal(path, "a/models/small/mmdit.safetensors");
    free(path);
    cfg_model_files_close(&found);
    assert_int_equal(cfg_find_model("big", roots, &found, &err), LT_OK);
    assert_int_equal(cfg_model_file(&found, "mmdit.safetensors", &path, &err), LT_ERR_INPUT);
    cfg_model_files_close(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_name_and_folder),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(names_files_of_a_folder),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
