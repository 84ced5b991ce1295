/* test_file_name.c - extensions and names made from names, with the dots of folders. */
#include "pipeline/file_name.h"
#include "tests/support/check.h"

#include <stdlib.h>

static void extensions(void **state)
{
    (void)state;
    assert_string_equal(take_extension("ball.mp4"), "mp4");
    assert_string_equal(take_extension("films.d/ball.part.mp4"), "mp4");
    assert_string_equal(take_extension("ball."), "");
    assert_null(take_extension("ball"));
    assert_null(take_extension("films.d/ball"));
    assert_null(take_extension("../ball"));
    assert_true(take_has_extension("ball.lt", "lt"));
    assert_true(take_has_extension("BALL.LT", "lt"));
    assert_false(take_has_extension("ball.lt2", "lt"));
    assert_false(take_has_extension("plans.lt/ball", "lt"));
    assert_false(take_has_extension("lt", "lt"));
}

static void check_name(char *got, const char *want)
{
    assert_string_equal(got, want);
    free(got);
}

static void names(void **state)
{
    (void)state;
    check_name(take_name_with("films/ball.mp4", ".part"), "films/ball.part.mp4");
    check_name(take_name_with("films.d/ball", ".part"), "films.d/ball.part");
    check_name(take_name_with("ball.a.lt", "-42"), "ball.a-42.lt");
    check_name(take_name_with("ball.lt", ""), "ball.lt");
    check_name(take_folder_name("films/x/ball.mp4"), "films/x");
    check_name(take_folder_name("ball.mp4"), ".");
    check_name(take_folder_name("/ball.mp4"), "/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(extensions), cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
