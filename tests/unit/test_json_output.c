/* test_json_output.c - documents that are laid out, and texts that hold any bytes. */
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

#include "cli/json_output.h"

static char *layout_of(const char *json)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    cli_print_layout(out, json);
    fclose(out);
    return text;
}

static void lays_out(const char *json, const char *want)
{
    char *got = layout_of(json);
    assert_string_equal(got, want);
    free(got);
}

static void a_document_has_a_line_for_each_member(void **state)
{
    (void)state;
    lays_out("{}", "{}\n");
    lays_out("[]", "[]\n");
    lays_out("{\"a\":1}", "{\n  \"a\": 1\n}\n");
    lays_out("{\"a\":{\"b\":null,\"c\":{}},\"d\":-1.5e3}",
             "{\n  \"a\": {\n    \"b\": null,\n    \"c\": {}\n  },\n  \"d\": -1.5e3\n}\n");
}

static void lists_of_numbers_and_small_objects_in_lists_stay_on_a_line(void **state)
{
    (void)state;
    lays_out("{\"tokens\":[1,2,3]}", "{\n  \"tokens\": [1, 2, 3]\n}\n");
    lays_out("[{\"w\":0,\"s\":\"x\"},{\"w\":1,\"s\":\"y\"}]",
             "[\n  {\"w\": 0, \"s\": \"x\"},\n  {\"w\": 1, \"s\": \"y\"}\n]\n");
    lays_out("[{\"w\":[0,1]}]", "[\n  {\n    \"w\": [0, 1]\n  }\n]\n");
}

static void what_stands_in_quotes_is_left_alone(void **state)
{
    (void)state;
    lays_out("{\"a,b:{\":\"\\\"}],\\\\\"}", "{\n  \"a,b:{\": \"\\\"}],\\\\\"\n}\n");
    lays_out("[\"{\",\"[\"]", "[\"{\", \"[\"]\n");
}

static void lines_of_a_configuration_become_an_object(void **state)
{
    (void)state;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    cli_print_config_object(
        out, "a.b: 8  # a: \"x\".yaml:4\na.c: [1, -2.5]  # --set\nd: cfg  # built-in\n");
    cli_print_config_object(out, "");
    fclose(out);
    assert_string_equal(
        text,
        "{\"a.b\":{\"value\":8,\"origin\":\"a: \\\"x\\\".yaml:4\"},\"a.c\":{\"value\":[1, -2.5],\"origin\":\"--set\"},"
        "\"d\":{\"value\":\"cfg\",\"origin\":\"built-in\"}}\n{}\n");
    free(text);
}

/* Deeper than any document of the library, as a foreign file's metadata may be. */
static void deep_documents_are_the_same_when_read_again(void **state)
{
    (void)state;
    enum { DEPTH = 90 };
    char json[6 * DEPTH + 8] = "";
    for (int i = 0; i < DEPTH; i++)
        strcat(json, i % 2 ? "[0," : "{\"a\":");
    strcat(json, "1");
    for (int i = DEPTH - 1; i >= 0; i--)
        strcat(json, i % 2 ? "]" : "}");
    char *text = layout_of(json);
    char *end = text;
    for (const char *c = text; *c; c++)
        if (*c != ' ' && *c != '\n')
            *end++ = *c;
    *end = '\0';
    assert_string_equal(text, json);
    free(text);
}

static void any_bytes_make_a_text(void **state)
{
    (void)state;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    cli_print_escaped(out, "\"\\\t\xc3\xa9\xff\xed\xa0\x80\xe2\x82");
    fclose(out);
    assert_string_equal(text, "\\\"\\\\\\u0009\xc3\xa9\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_has_a_line_for_each_member),
        cmocka_unit_test(lists_of_numbers_and_small_objects_in_lists_stay_on_a_line),
        cmocka_unit_test(what_stands_in_quotes_is_left_alone),
        cmocka_unit_test(deep_documents_are_the_same_when_read_again),
        cmocka_unit_test(lines_of_a_configuration_become_an_object),
        cmocka_unit_test(any_bytes_make_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
