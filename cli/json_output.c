/* json_output.c - see json_output.h. */
#include "cli/json_output.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

/* Bytes of the UTF-8 character at `c`, or 0 where there is none. Surrogates and overlong forms are
 * told apart by the first two bytes. The library has such a check inside; the program, like any
 * customer, has longtake.h alone. */
static int character_bytes(const unsigned char *c)
{
    const int bytes = *c < 0x80                 ? 1
                      : *c >= 0xc2 && *c < 0xe0 ? 2
                      : *c >= 0xe0 && *c < 0xf0 ? 3
                      : *c >= 0xf0 && *c < 0xf5 ? 4
                                                : 0;
    for (int i = 1; i < bytes; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    const bool refused = (*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) ||
                         (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] > 0x8f);
    return refused ? 0 : bytes;
}

void cli_print_escaped(FILE *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        const int bytes = character_bytes(c);
        if (bytes == 0)
            fputs("\\ufffd", out);
        else if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(out, "\\u%04x", *c);
        else
            fwrite(c, 1, (size_t)bytes, out);
        c += bytes > 0 ? bytes : 1;
    }
}

/* ---- configuration ---- */

/* The first `bytes` of `text`, in quotes. */
static void print_quoted(FILE *out, const char *text, size_t bytes)
{
    char *copy = strndup(text, bytes);
    fputc('"', out);
    cli_print_escaped(out, copy ? copy : "");
    fputc('"', out);
    free(copy);
}

void cli_print_config_object(FILE *out, const char *lines)
{
    static const char before_value[] = ": ";
    static const char before_origin[] = "  # ";
    fputc('{', out);
    for (const char *line = lines; *line;) {
        const char *end = line + strcspn(line, "\n");
        const char *value = strstr(line, before_value);
        const char *origin = strstr(line, before_origin);
        if (!value || !origin || origin > end)
            break;
        print_quoted(out, line, (size_t)(value - line));
        value += strlen(before_value);
        const size_t bytes = (size_t)(origin - value);
        fputs(":{\"value\":", out);
        if (strchr("[-0123456789", *value))
            fwrite(value, 1, bytes, out);
        else
            print_quoted(out, value, bytes);
        origin += strlen(before_origin);
        fputs(",\"origin\":", out);
        print_quoted(out, origin, (size_t)(end - origin));
        fputs(end[0] && end[1] ? "}," : "}", out);
        line = *end ? end + 1 : end;
    }
    fputs("}\n", out);
}

/* ---- layout ---- */

/* Behind the string that begins at `c`. */
static const char *after_string(const char *c)
{
    for (c++; *c && *c != '"'; c++)
        if (*c == '\\' && c[1])
            c++;
    return *c ? c + 1 : c;
}

/* Has the object or list that begins at `c` no other one inside? */
static bool is_flat(const char *c)
{
    for (c++; *c && *c != '}' && *c != ']';) {
        if (*c == '{' || *c == '[')
            return false;
        c = *c == '"' ? after_string(c) : c + 1;
    }
    return true;
}

enum { DEEPEST = 64 }; /* what lies deeper stays on one line */

typedef struct {
    FILE *out;
    int depth;             /* of what is open */
    int one_line;          /* depth of what is printed on one line; 0: none */
    bool in_list[DEEPEST]; /* is what is open at this depth a list? */
} layout;

static void begin_line(layout *l)
{
    if (l->one_line == 0)
        fprintf(l->out, "\n%*s", 2 * l->depth, "");
}

/* An object or list that begins at `c`. */
static void open_level(layout *l, const char *c)
{
    const bool in_list = l->depth < DEEPEST && l->in_list[l->depth];
    const bool stays = is_flat(c) && (*c == '[' || c[1] == '}' || in_list);
    l->depth++;
    if (l->depth < DEEPEST)
        l->in_list[l->depth] = *c == '[';
    if (l->one_line == 0 && (stays || l->depth == DEEPEST))
        l->one_line = l->depth;
    fputc(*c, l->out);
    begin_line(l);
}

static void close_level(layout *l, char bracket)
{
    l->depth--;
    begin_line(l);
    fputc(bracket, l->out);
    if (l->one_line > l->depth)
        l->one_line = 0;
}

void cli_print_layout(FILE *out, const char *json)
{
    layout l = {.out = out};
    for (const char *c = json; *c;) {
        const char *end = *c == '"' ? after_string(c) : c + 1;
        if (*c == '{' || *c == '[')
            open_level(&l, c);
        else if (*c == '}' || *c == ']')
            close_level(&l, *c);
        else
            fwrite(c, 1, (size_t)(end - c), out);
        if (*c == ',' && l.one_line == 0)
            begin_line(&l);
        else if (*c == ',' || *c == ':')
            fputc(' ', out);
        c = end;
    }
    fputc('\n', out);
}
