/* test_utf8.c - the borders of every length, and what must not be printed. */
#include "kernels/core/utf8.h"

#include "tests/support/check.h"

static void knows_good_from_bad(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a.b-c/d ~",
                                       "\xc2\xa0",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x1b[2J",
                                      "a\nb",
                                      "\x7f",
                                      "\x80",
                                      "\xc2",
                                      "\xc2\x61",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2\x9b",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(lt_is_printable_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(lt_is_printable_utf8(bad[i], strlen(bad[i])));
    assert_false(lt_is_printable_utf8("a\0b", 3));
}

static void tells_a_character(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
        size_t length;
        uint32_t code;
    } cases[] = {
        {"", 0, 0, 0},
        {"a", 1, 1, 'a'},
        {"\0", 1, 1, 0}, /* a control character is one */
        {"\x7f", 1, 1, 0x7f},
        {"\xc3\xa9x", 3, 2, 0xe9},
        {"\xe2\x96\x81", 3, 3, 0x2581},
        {"\xe2\x96\x81", 2, 0, 0},
        {"\xf0\x9f\x98\x80", 4, 4, 0x1f600},
        {"\xed\xa0\x80", 3, 0, 0},
        {"\xf4\x90\x80\x80", 4, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code = 0;
        assert_int_equal(lt_utf8_char(cases[i].text, cases[i].bytes, NULL), cases[i].length);
        assert_int_equal(lt_utf8_char(cases[i].text, cases[i].bytes, &code), cases[i].length);
        assert_int_equal(code, cases[i].code);
    }
}

static void makes_text_of_bytes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"caf\xe9 \xe2\x96\x81", "caf? \xe2\x96\x81"},
        {"\xff\xc3", "??"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[16];
        strcpy(text, cases[i][0]);
        lt_make_utf8(text);
        assert_string_equal(text, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(knows_good_from_bad),
                                       cmocka_unit_test(tells_a_character),
                                       cmocka_unit_test(makes_text_of_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
