/* test_batch_line.c - lines of a list of prompts, good and bad. */
#include "pipeline/script/batch_line.h"
#include "tests/support/check.h"

static void reads_lines(void **state)
{
    (void)state;
    lt_error err = {0};
    batch_line l;
    check_ok(batch_line_read("  a red ball, {at} dusk", "p:1", &l, &err), err);
    assert_string_equal(l.prompt, "a red ball, {at} dusk");
    assert_null(l.output);
    assert_int_equal(l.settings.frames, LONGTAKE_UNSET);
    batch_line_clear(&l);
    check_ok(
        batch_line_read(
            "{\"prompt\": \"42\", \"frames\": 9, \"seed\": 3, \"output\": \"a.mp4\", \"steps\": 2}",
            "p:1", &l, &err),
        err);
    assert_string_equal(l.prompt, "42");
    assert_string_equal(l.output, "a.mp4");
    assert_int_equal(l.settings.frames, 9);
    assert_int_equal(l.settings.seed, 3);
    assert_int_equal(l.settings.steps, 2);
    batch_line_clear(&l);
    assert_true(batch_line_is_empty(""));
    assert_true(batch_line_is_empty("  \t"));
    assert_true(batch_line_is_empty(" # later"));
    assert_false(batch_line_is_empty(" a # b"));
}

static void refuses_bad_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } row[] = {
        {"{", "p.txt:3"},
        {"{}", "p.txt:3: found no 'prompt'"},
        {"{\"prompt\": \"a\"", "p.txt:3"},
        {"{\"prompt\": \"a\"} more", "p.txt:3"},
        {"{\"prompt\": 3}", "p.txt:3: 'prompt': found no text"},
        {"{\"prompt\": \" \"}", "p.txt:3: 'prompt': found no text"},
        {"{\"prompt\": [\"a\"]}", "p.txt:3: 'prompt': found no text"},
        {"{\"prompt\": \"a\", \"prompt\": \"b\"}", "p.txt:3"},
        {"{\"prompt\": \"a\", \"promt\": \"b\"}",
         "p.txt:3: the line has no key 'promt'\nhint: the nearest is 'prompt'"},
        {"{\"prompt\": \"a\", \"seed\": \"x\"}", "p.txt:3: 'seed' is 'x', expected a whole number"},
        {"{\"prompt\": \"a\", \"seed\": 4294967296}", "p.txt:3: 'seed' is 4294967296, expected"},
        {"{\"prompt\": \"a\", \"frames\": 2.5}",
         "p.txt:3: 'frames': expected a whole number above 0"},
        {"{\"prompt\": \"a\", \"frames\": -1}",
         "p.txt:3: 'frames': expected a whole number above 0"},
        {"{\"prompt\": \"a\", \"seconds\": 0}", "p.txt:3: 'seconds': expected a number above 0"},
        {"{\"prompt\": \"a\", \"seconds\": 1, \"frames\": 8}",
         "p.txt:3: 'seconds' and 'frames': found both"},
        {"{\"prompt\": \"a\", \"output\": \"../a.mp4\"}",
         "p.txt:3: 'output' is '../a.mp4', expected a file name"},
        {"{\"prompt\": \"a\", \"output\": \"-\"}",
         "p.txt:3: 'output' is '-', expected a file name"},
        {"{\"prompt\": \"a\", \"carry\": \"hand\"}",
         "p.txt:3: 'carry' is 'hand', expected latents, frames or renoise"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        lt_error err = {0};
        batch_line l;
        check_failed(batch_line_read(row[i].text, "p.txt:3", &l, &err), err, LT_ERR_INPUT,
                     row[i].part);
        assert_null(l.document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_lines),
                                       cmocka_unit_test(refuses_bad_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
