/* test_known_words.c - what counts as a word, and which are told. */
#include "tests/support/check.h"

#include "pipeline/script/known_words.h"

static const char LIST[] = "a\nball\nbeach\nlight-blue\non\nred";

static void words_outside_the_list_are_told_once(void **state)
{
    (void)state;
    char out[80];
    assert_int_equal(take_unknown_words(LIST, "A red ball on a beach", out, sizeof out), 0);
    assert_string_equal(out, "");
    assert_int_equal(take_unknown_words(LIST, "A red CAT, a cat on a sofa.", out, sizeof out), 2);
    assert_string_equal(out, "\"cat\", \"sofa\"");
}

static void a_part_of_a_listed_word_is_not_listed(void **state)
{
    (void)state;
    char out[80];
    assert_int_equal(take_unknown_words(LIST, "bal all light light-blue", out, sizeof out), 3);
    assert_string_equal(out, "\"bal\", \"all\", \"light\"");
}

static void numbers_and_other_scripts_are_not_judged(void **state)
{
    (void)state;
    char out[80];
    assert_int_equal(
        take_unknown_words(LIST, "3 red \xd0\xba\xd0\xbe\xd1\x82 -- ball's", out, sizeof out), 1);
    assert_string_equal(out, "\"ball's\"");
}

static void what_does_not_fit_becomes_dots(void **state)
{
    (void)state;
    char out[24];
    assert_int_equal(take_unknown_words(LIST, "elephant giraffe zebra okapi", out, sizeof out), 4);
    assert_string_equal(out, "\"elephant\", ...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_outside_the_list_are_told_once),
        cmocka_unit_test(a_part_of_a_listed_word_is_not_listed),
        cmocka_unit_test(numbers_and_other_scripts_are_not_judged),
        cmocka_unit_test(what_does_not_fit_becomes_dots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
