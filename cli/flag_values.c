/* flag_values.c - texts -> values, in the range of their flag. */
#include "cli/flag_values.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cli_is_number(const cli_flag *f)
{
    return f->kind == FLAG_INTEGER || f->kind == FLAG_REAL || f->kind == FLAG_RATE ||
           f->kind == FLAG_SECONDS || f->kind == FLAG_BYTES;
}

bool cli_given(double number)
{
    return number > CLI_UNSET;
}

void cli_defaults(cli_values *v)
{
    memset(v, 0, sizeof *v);
    for (int i = 0; i < cli_flag_count; i++) {
        if (cli_is_number(&cli_flags[i]))
            *(double *)(void *)((char *)v + cli_flags[i].at) = CLI_UNSET;
    }
}

static bool read_number(const char *text, double *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && errno == 0 && isfinite(*out);
}

static bool read_bytes(const char *text, double *out)
{
    char *end = NULL;
    *out = strtod(text, &end);
    if (end == text || !isfinite(*out))
        return false;
    static const char units[] = "KMGT";
    if (*end) {
        const char *unit = strchr(units, *end);
        if (!unit)
            return false;
        for (const char *u = units; u <= unit; u++)
            *out *= 1024;
        end++;
        if (*end == 'i')
            end++;
        if (*end == 'B')
            end++;
    }
    return *end == '\0';
}

/* Digits and at most one point. */
static bool read_plain(const char *text, size_t length, double *out)
{
    char copy[32];
    if (length == 0 || length >= sizeof copy || strspn(text, "0123456789.") < length)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return read_number(copy, out);
}

/* "1:05" or "1:02:03.5": whole numbers but for the last, all below 60 but the first. */
static bool read_clock(const char *text, double *seconds)
{
    *seconds = 0;
    for (int part = 0; part < 3; part++) {
        const size_t length = strcspn(text, ":");
        double value = 0;
        if (!read_plain(text, length, &value) || (part > 0 && value >= 60))
            return false;
        *seconds = 60 * *seconds + value;
        if (text[length] == '\0')
            return true;
        if (value != floor(value))
            return false;
        text += length + 1;
    }
    return false;
}

/* The forms of a film's moments (pipeline/script/take_moment.c). */
bool cli_time(const char *text, double fps, double *seconds)
{
    const size_t length = strlen(text);
    const char unit = length > 0 ? text[length - 1] : '\0';
    if (strchr(text, ':'))
        return read_clock(text, seconds);
    double value = 0;
    if (!read_plain(text, length - (unit == 's' || unit == 'f'), &value) ||
        (unit == 'f' && value != floor(value)))
        return false;
    *seconds = unit == 'f' ? value / fps : value;
    return true;
}

bool cli_span(const char *text, double fps, double *from, double *to)
{
    char first[32];
    const char *dash = strchr(text, '-');
    if (!dash || dash - text >= (long)sizeof first)
        return false;
    snprintf(first, sizeof first, "%.*s", (int)(dash - text), text);
    return cli_time(first, fps, from) && cli_time(dash + 1, fps, to) && *to > *from;
}

static bool read_rate(const char *text, double *out)
{
    const char *slash = strchr(text, '/');
    double divisor = 0;
    if (!slash)
        return read_number(text, out);
    if (!read_plain(text, (size_t)(slash - text), out) ||
        !read_plain(slash + 1, strlen(slash + 1), &divisor) || divisor <= 0)
        return false;
    *out /= divisor;
    return true;
}

/* A number, or a time as --from takes it; not in frames, whose rate is the model's. */
static bool read_seconds(const char *text, double *out)
{
    return read_number(text, out) ||
           (*text && text[strlen(text) - 1] != 'f' && cli_time(text, 1, out));
}

static bool refuse_seconds(const cli_flag *f, const char *text, char *message, size_t bytes)
{
    double frames = 0;
    const size_t n = strlen(text);
    snprintf(message, bytes,
             "--%s: found \"%s\", expected a number of seconds such as 10, 10s or 1:05", f->name,
             text);
    if (n > 1 && text[n - 1] == 'f' && text[n - 2] >= '0' && text[n - 2] <= '9' &&
        cli_time(text, 1, &frames)) {
        const size_t used = strlen(message);
        snprintf(message + used, bytes - used, "\nhint: --frames %.0f", frames);
    }
    return false;
}

bool cli_store(const cli_flag *f, const char *text, cli_values *v, char *message, size_t bytes)
{
    void *place = (char *)v + f->at;
    double number = 0;
    double unused;
    switch (f->kind) {
    case FLAG_SWITCH:
        *(bool *)place = true;
        return true;
    case FLAG_TEXT:
        if (text[0] == '\0' && strcmp(f->value, "TEXT") != 0) { /* "$OUT", which is not set */
            snprintf(message, bytes, "--%s: found an empty text, expected %s", f->name, f->value);
            return false;
        }
        *(const char **)place = text;
        return true;
    case FLAG_TIME:
        if (!cli_time(text, 1, &unused)) {
            snprintf(message, bytes, "--%s: found \"%s\", expected a time such as 12s, 1:05 or 96f",
                     f->name, text);
            return false;
        }
        *(const char **)place = text;
        return true;
    case FLAG_CHOICE:
        if (!cli_is_word_of(f->choices, text, '|')) {
            snprintf(message, bytes, "--%s: found \"%s\", expected one of %s", f->name, text,
                     f->choices);
            return false;
        }
        *(const char **)place = text;
        return true;
    case FLAG_LIST: {
        cli_list *list = place;
        if (list->count == CLI_MAX_LIST) {
            snprintf(message, bytes, "--%s: found more than %d, expected fewer", f->name,
                     CLI_MAX_LIST);
            return false;
        }
        list->item[list->count++] = text;
        return true;
    }
    case FLAG_INTEGER:
    case FLAG_REAL:
    case FLAG_RATE:
    case FLAG_SECONDS:
    case FLAG_BYTES:
        break;
    }
    const bool ok = f->kind == FLAG_BYTES     ? read_bytes(text, &number)
                    : f->kind == FLAG_SECONDS ? read_seconds(text, &number)
                    : f->kind == FLAG_RATE    ? read_rate(text, &number)
                                              : read_number(text, &number);
    if (!ok && f->kind == FLAG_SECONDS)
        return refuse_seconds(f, text, message, bytes);
    if (!ok || (f->kind == FLAG_INTEGER && number != floor(number))) {
        snprintf(message, bytes, "--%s: found \"%s\", expected %s", f->name, text,
                 f->kind == FLAG_INTEGER ? "a whole number"
                 : f->kind == FLAG_BYTES ? "a size such as 8G"
                 : f->kind == FLAG_RATE  ? "a rate such as 24 or 30000/1001"
                                         : "a number");
        return false;
    }
    if (number < f->low || number > f->high) {
        snprintf(message, bytes, "--%s: found %s, expected %.10g to %.10g", f->name, text, f->low,
                 f->high);
        return false;
    }
    *(double *)place = number;
    return true;
}
