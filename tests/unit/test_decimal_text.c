/* test_decimal_text.c - numbers and their text, also where the locale writes a comma. */
#include "tests/support/check.h"

#include <locale.h>
#include <stdlib.h>

#include "kernels/core/decimal_text.h"
#include "tests/support/scratch.h"
#include "tests/support/skipped.h"

static void integers(void **state)
{
    (void)state;
    int64_t value;
    assert_true(lt_parse_integer("0", &value) && value == 0);
    assert_true(lt_parse_integer("-12", &value) && value == -12);
    assert_true(lt_parse_integer("+7", &value) && value == 7);
    static const char *const bad[] = {
        "", "-", "1.0", "1e3", "0x1", " 1", "1 ", "1_000", "9223372036854775808", "one"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (lt_parse_integer(bad[i], &value))
            fail_msg("'%s' was taken for an integer", bad[i]);
}

static void decimals(void **state)
{
    (void)state;
    double value;
    assert_true(lt_parse_decimal("1.15258426", &value) && value == 1.15258426);
    assert_true(lt_parse_decimal("1.0e-06", &value) && value == 1e-6);
    assert_true(lt_parse_decimal("5", &value) && value == 5);
    assert_true(lt_parse_decimal("5.", &value) && value == 5);
    static const char *const bad[] = {"",     ".",     ".5", "1,5",   "nan",  "inf",
                                      "-inf", "1e999", "1e", "0x1p3", "1.5f", "1.5 "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (lt_parse_decimal(bad[i], &value))
            fail_msg("'%s' was taken for a number", bad[i]);
}

static void text_reads_back(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},     {7.5, "7.5"}, {10000, "10000"},           {1e-12, "1e-12"},
        {0.1, "0.1"}, {-3, "-3"},   {1.15258426, "1.15258426"}, {1.0 / 3, "0.3333333333333333"}};
    char text[LT_DECIMAL_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lt_decimal_text(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
    lt_float_text(1e-6f, text);
    assert_string_equal(text, "1e-06");
    lt_float_text(0.1f, text);
    assert_string_equal(text, "0.1");
}

/* A locale of our own where there is a tool for it, else one of the machine; NULL: neither. */
static const char *set_comma(void)
{
    char command[1024];
    scratch_write_text("words", "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\n"
                                "grouping -1\nEND LC_NUMERIC\n");
    snprintf(command, sizeof command, "cd '%s' && localedef -c -i words -f UTF-8 ./comma >out 2>&1",
             scratch_path("."));
    (void)!system(command); /* 1: it lacks the other categories */
    setenv("LOCPATH", scratch_path("."), 1);
    const char *const own = setlocale(LC_NUMERIC, "comma");
    unsetenv("LOCPATH");
    if (own)
        return own;
    const char *const machine = setlocale(LC_NUMERIC, "de_DE.UTF-8");
    return machine ? machine : setlocale(LC_NUMERIC, "de_DE");
}

static void any_locale(void **state)
{
    (void)state;
    if (set_comma() == NULL)
        skip_part("neither localedef nor de_DE is here, no locale writes a comma");
    double value;
    char text[LT_DECIMAL_BYTES];
    assert_true(lt_parse_decimal("7.5", &value) && value == 7.5);
    lt_decimal_text(7.5, text);
    assert_string_equal(text, "7.5");
    assert_string_equal(localeconv()->decimal_point, ",");
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(decimals),
        cmocka_unit_test(text_reads_back),
        cmocka_unit_test(any_locale),
    };
    return test_exit(cmocka_run_group_tests(tests, scratch_setup, scratch_teardown));
}
