/* test_status.c - a message is one line, whatever it quotes; the first one stays. */
#include "tests/support/check.h"

static void test_first_failure_stays(void **state)
{
    (void)state;
    lt_error err = {0};
    assert_int_equal(lt_fail(&err, LT_ERR_INPUT, "a: %d", 1), LT_ERR_INPUT);
    assert_int_equal(lt_fail(&err, LT_ERR_FAILED, "b"), LT_ERR_FAILED);
    assert_int_equal(err.code, LT_ERR_INPUT);
    assert_string_equal(err.message, "a: 1");
    assert_int_equal(lt_fail(NULL, LT_ERR_USAGE, "c"), LT_ERR_USAGE);
}

static void test_quoted_names_are_harmless(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *shown;
    } cases[] = {
        {"tensor \x1b[31m", "tensor ?[31m"},
        {"a\nlongtake: done", "a?longtake: done"},
        {"a\r\t\x7f", "a???"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"two\n  items\nhint: one", "two\n  items\nhint: one"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lt_error err = {0};
        (void)lt_fail(&err, LT_ERR_INPUT, "%s", cases[i].name);
        assert_string_equal(err.message, cases[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_first_failure_stays),
                                       cmocka_unit_test(test_quoted_names_are_harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
