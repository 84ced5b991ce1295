/* test_config_fields.c - the tables hold together, and configs/README.md lists every key. */
#include "tests/support/check.h"

#include <stdlib.h>

#include "configs/config_fields.h"

static char *read_readme(void)
{
    FILE *file = fopen(TEST_SOURCE_DIR "/configs/README.md", "rb");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void check_table(const cfg_table *table, const char *readme)
{
    for (int i = 0; i < table->count; i++) {
        const cfg_field *field = &table->fields[i];
        char listed[64];
        snprintf(listed, sizeof listed, "`%s`", field->key);
        const bool section = field->section != NULL;
        if (!section && strstr(readme, listed) == NULL)
            fail_msg("configs/README.md does not list %s", listed);
        if (cfg_find_field(table, field->key) != field)
            fail_msg("key '%s' is in a table twice", field->key);
        assert_int_equal(section, field->kind == CFG_SECTION);
        assert_int_equal(field->words != NULL, field->kind == CFG_CHOICE);
        const bool list = field->kind == CFG_INT_LIST || field->kind == CFG_REAL_LIST;
        assert_true(list ? field->capacity >= field->shortest : field->capacity == 0);
        assert_true(section || field->words != NULL || field->low < field->high);
        if (section)
            check_table(field->section, readme);
        if (field->split != NULL)
            check_table(field->split, readme);
    }
}

static void tables_and_readme_agree(void **state)
{
    (void)state;
    char *readme = read_readme();
    check_table(&cfg_model_table, readme);
    free(readme);
    assert_null(cfg_find_field(&cfg_model_table, "steps"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_readme_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
