/* test_piece_normalizer.c - white space, rules, stray bytes; and where each byte came from. */
#include "tests/support/check.h"
#include "tests/support/toy_spiece.h"

#include "text_encoder/piece_normalizer.h"

#define MARK              "\xE2\x96\x81"
#define FULL_WIDTH_A      "\xEF\xBC\xA1"
#define IDEOGRAPHIC_SPACE "\xE3\x80\x80"
#define ZERO_WIDTH_SPACE  "\xE2\x80\x8B"
#define ONE_HALF          "\xC2\xBD"

static piece_model model;

static int open_model(void **state)
{
    (void)state;
    static toy_spiece toy;
    toy_spiece_begin(&toy);
    toy_spiece_piece(&toy, "a", -1);
    toy_spiece_rule(&toy, "\t", " ");
    toy_spiece_rule(&toy, FULL_WIDTH_A, "A");
    toy_spiece_rule(&toy, IDEOGRAPHIC_SPACE, " ");
    toy_spiece_rule(&toy, ZERO_WIDTH_SPACE, "");
    toy_spiece_rule(&toy, ONE_HALF, " 1/2 ");
    toy_spiece_rule(&toy, "e", "E");
    toy_spiece_rule(&toy, "e\xCC\x81", "\xC3\xA9"); /* the longer rule wins */
    toy_spiece_end(&toy);
    lt_error err = {0};
    return piece_model_open(&model, toy.bytes, toy.count, "toy", &err) == LT_OK ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    piece_model_close(&model);
    return 0;
}

static void known_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *normal;
    } cases[] = {
        {"", ""},
        {"   ", ""},
        {" \t" IDEOGRAPHIC_SPACE, ""},
        {ZERO_WIDTH_SPACE, ""},
        {"a", MARK "a"},
        {"  a  b ", MARK "a" MARK "b"},
        {"\ta\t\tb", MARK "a" MARK "b"},
        {"a" IDEOGRAPHIC_SPACE " b", MARK "a" MARK "b"},
        {FULL_WIDTH_A "x", MARK "Ax"},
        {"a" ZERO_WIDTH_SPACE "b", MARK "ab"},
        /* nothing between two spaces does not part them */
        {"a " ZERO_WIDTH_SPACE " b", MARK "a" MARK "b"},
        {ONE_HALF "x", MARK "1/2" MARK "x"}, /* a rule's own spaces collapse like others */
        {"a" ONE_HALF, MARK "a" MARK "1/2"},
        {"e e\xCC\x81", MARK "E" MARK "\xC3\xA9"},
        {MARK, ""},
        {MARK MARK "x", MARK MARK MARK "x"}, /* a literal mark is no space */
        {"x" MARK, MARK "x"},                /* but none is left at the end */
        {"\xFF", MARK "\xEF\xBF\xBD"},
        /* half a character: byte by byte */
        {"\xE2\x96", MARK "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xC0\x80", MARK "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
        {"\xED\xA0\x80", MARK "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* surrogate */
        {"\xF4\x90\x80\x80", MARK "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xF4\x8F\xBF\xBF", MARK "\xF4\x8F\xBF\xBF"},
    };
    normalized_text out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lt_error err = {0};
        check_ok(piece_normalize(&model, cases[i].text, 0, strlen(cases[i].text), &out, &err), err);
        if (out.bytes != strlen(cases[i].normal) ||
            memcmp(out.text, cases[i].normal, out.bytes) != 0)
            fail_msg("case %zu: got '%.*s', want '%s'", i, (int)out.bytes, out.text,
                     cases[i].normal);
    }
    normalized_text_close(&out);
}

static void origins(void **state)
{
    (void)state;
    /*                           0123456    78 */
    static const char text[] = "x  a  " FULL_WIDTH_A "b ";
    normalized_text out = {0};
    lt_error err = {0};
    check_ok(piece_normalize(&model, text, 1, sizeof text - 1, &out, &err), err);
    /* mark, a, mark, A, b: nothing of it belongs to the x before */
    static const size_t want[] = {3, 3, 3, 3, 4, 4, 4, 6, 9, 10};
    assert_int_equal(out.bytes, 9);
    for (size_t i = 0; i <= out.bytes; i++)
        if (out.origin[i] != want[i])
            fail_msg("byte %zu comes from %zu, want %zu", i, out.origin[i], want[i]);
    normalized_text_close(&out);
}

/* A rule that makes much out of little stops at a bound. */
static void growth_is_bounded(void **state)
{
    (void)state;
    static toy_spiece toy;
    char text[600];
    char much[256 + 1] = {0};
    char more[257 + 1] = {0}; /* of spaces nothing would come, but their time would pass */
    memset(much, 'y', sizeof much - 1);
    memset(more, ' ', sizeof more - 1);
    memset(text, 'x', sizeof text);
    toy_spiece_begin(&toy);
    toy_spiece_piece(&toy, "y", -1);
    toy_spiece_rule(&toy, "x", much);
    toy_spiece_rule(&toy, "z", more);
    toy_spiece_end(&toy);
    piece_model m;
    normalized_text out = {0};
    lt_error err = {0};
    check_ok(piece_model_open(&m, toy.bytes, toy.count, "toy", &err), err);
    check_ok(piece_normalize(&m, "xyyyyyyyyy", 0, 10, &out, &err), err);
    assert_int_equal(out.bytes, PIECE_WORD_MARK_BYTES + 256 + 9);
    check_failed(piece_normalize(&m, text, 0, sizeof text, &out, &err), err, LT_ERR_INPUT,
                 "grows more than 32 times");
    err = (lt_error){0};
    check_failed(piece_normalize(&m, "z", 0, 1, &out, &err), err, LT_ERR_INPUT,
                 "precompiled_charsmap is damaged");
    normalized_text_close(&out);
    piece_model_close(&m);
}

/* Unit 'a' leads back to itself, and there is no rule: every step of a
 * long text would walk to its end. */
static void a_trie_without_end_is_damaged(void **state)
{
    (void)state;
    unsigned char units[4 * ('a' + 1)] = {0};
    const uint32_t itself = (uint32_t)'a' << 10 | 'a';
    for (int i = 0; i < 4; i++)
        units[4 * 'a' + i] = (unsigned char)(itself >> (8 * i));
    piece_model looped = model;
    looped.char_map =
        (piece_char_map){.units = units, .unit_count = 'a' + 1, .strings = "", .string_bytes = 1};
    char text[1000];
    memset(text, 'a', sizeof text);
    normalized_text normal = {0};
    lt_error err = {0};
    check_ok(piece_normalize(&looped, text, 0, 200, &normal, &err), err);
    check_failed(piece_normalize(&looped, text, 0, sizeof text, &normal, &err), err, LT_ERR_INPUT,
                 "precompiled_charsmap");
    normalized_text_close(&normal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(origins),
        cmocka_unit_test(growth_is_bounded),
        cmocka_unit_test(a_trie_without_end_is_damaged),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
