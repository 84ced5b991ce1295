/* json_value.c - is this JSON, and what does it say?
 *
 *     json_value report.json                       exit code 0 when the file is one JSON document
 *     json_value report.json outputs 0 frames   prints that member; exit code 1: not there
 *     json_value --lines events.jsonl              every line is a document of its own
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/json.h"

static char *read_file(const char *path, size_t *bytes)
{
    enum { MOST = 16 << 20 };
    FILE *const file = fopen(path, "rb");
    char *const text = malloc(MOST);
    if (!file || !text) {
        perror(path);
        exit(1);
    }
    *bytes = fread(text, 1, MOST, file);
    fclose(file);
    return text;
}

static lt_json *parse(const char *text, size_t bytes, const char *path)
{
    lt_error err = {0};
    lt_json *root = NULL;
    if (lt_json_parse(text, bytes, path, &root, &err) == LT_OK)
        return root;
    fprintf(stderr, "%s\n%.*s\n", err.message, (int)bytes, text);
    exit(1);
}

static void check_lines(const char *text, size_t bytes, const char *path)
{
    const char *const end = text + bytes;
    for (const char *line = text; line < end;) {
        const char *const stop = memchr(line, '\n', (size_t)(end - line));
        const size_t length = stop ? (size_t)(stop - line) : (size_t)(end - line);
        lt_json_free(parse(line, length, path));
        line += length + 1;
    }
}

static void print_value(const lt_json *n)
{
    switch (lt_json_kind_of(n)) {
    case LT_JSON_STRING:
        printf("%s\n", lt_json_string(n, NULL));
        break;
    case LT_JSON_INT:
        printf("%lld\n", (long long)lt_json_int(n));
        break;
    case LT_JSON_REAL:
        printf("%.9g\n", lt_json_real(n));
        break;
    case LT_JSON_BOOL:
        puts(lt_json_bool(n) ? "true" : "false");
        break;
    case LT_JSON_NULL:
        puts("null");
        break;
    case LT_JSON_ARRAY:
    case LT_JSON_OBJECT:
        printf("%zu\n", lt_json_count(n));
        break;
    }
}

int main(int argc, char **argv)
{
    const bool lines = argc > 1 && strcmp(argv[1], "--lines") == 0;
    if (argc < 2 + lines) {
        fprintf(stderr, "json_value: expected [--lines] FILE [KEY...]\n");
        return 2;
    }
    const char *const path = argv[1 + lines];
    size_t bytes = 0;
    char *const text = read_file(path, &bytes);
    if (lines) {
        check_lines(text, bytes, path);
        free(text);
        return 0;
    }
    lt_json *const root = parse(text, bytes, path);
    const lt_json *at = root;
    for (int i = 2; i < argc && at; i++)
        at = lt_json_kind_of(at) == LT_JSON_ARRAY ? lt_json_at(at, (size_t)atoi(argv[i]))
                                                  : lt_json_get(at, argv[i]);
    if (!at)
        fprintf(stderr, "%s: the member is not there\n%s\n", path, text);
    else if (argc > 2)
        print_value(at);
    const int code = at ? 0 : 1;
    lt_json_free(root);
    free(text);
    return code;
}
