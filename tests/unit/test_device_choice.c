/* test_device_choice.c - words of --device and --precision: which go together, and what is told of
 * the others. Without a card. */
#include "pipeline/device_choice.h"

#include "tests/support/check.h"

static void words(void **state)
{
    (void)state;
    static const struct {
        const char *device; /* NULL: left out, like: */
        const char *precision;
        lt_status status;
        const char *said; /* the precision that was opened, or of the message */
    } row[] = {
        {"cpu", "f32", LT_OK, "f32"},
        {"auto", "f32", LT_OK, "f32"},
        {NULL, "f32", LT_OK, "f32"},
        {"reference", NULL, LT_OK, "f32"},
        {"reference", "auto", LT_OK, "f32"},
        {"reference", "bf16", LT_ERR_USAGE, "found bf16, expected auto or f32 on the reference"},
        {"reference", "int8", LT_ERR_USAGE, "found int8, expected auto or f32 on the reference"},
        {"cpu", "fp8", LT_ERR_USAGE, "found fp8, expected auto, f32, bf16 or int8 on the cpu"},
        {"cuda:1", "int8", LT_ERR_USAGE, "found int8, expected auto, f32, bf16 or fp8 on the cuda"},
        {"cpu", "f16", LT_ERR_USAGE, "--precision: found \"f16\", expected auto, f32"},
        {"cuda:", "f32", LT_ERR_USAGE, "--device: found \"cuda:\", expected auto, cpu"},
        {"cuda:x", "f32", LT_ERR_USAGE, "--device: found \"cuda:x\""},
        {"cuda:-1", "f32", LT_ERR_USAGE, "--device: found \"cuda:-1\""},
        {"", "f32", LT_ERR_USAGE, "--device: found \"\""},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const longtake_options options = {
            .device = row[i].device, .precision = row[i].precision, .threads = 1};
        longtake e = {.threads = 1};
        lt_error err = {0};
        const lt_status s = take_device_open(&options, &e, &err);
        if (row[i].status != LT_OK) {
            check_failed(s, err, row[i].status, row[i].said);
            assert_null(e.backend);
            continue;
        }
        check_ok(s, err);
        assert_string_equal(take_engine_precision(&e), row[i].said);
        assert_int_equal(e.chose_precision,
                         row[i].precision && strcmp(row[i].precision, "auto") != 0);
        e.backend->table->close(e.backend);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words)};
    return cmocka_run_group_tests_name("devices and precisions", tests, NULL, NULL);
}
