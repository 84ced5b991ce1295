/* png_name.c - the file names of a PNG sequence. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/video_file.h"

enum { PNG_DIGITS = 5, MOST_DIGITS = 32 };

/* A path around its number. */
typedef struct {
    size_t name_at; /* bytes of its folder */
    size_t before;  /* bytes that stand before the number, folder included */
    size_t after;   /* where what stands behind it begins */
    bool has_number;
    int digits; /* at least, zeros in front */
} numbered;

/* "%d" "%5d" "%05d" at `at`, which is the same to ffmpeg: the bytes of it, or 0. */
static size_t number_at(const char *at, int *digits)
{
    const char *p = at + 1;
    int width = 0;
    for (; isdigit((unsigned char)*p) && width <= MOST_DIGITS; p++)
        width = 10 * width + (*p - '0');
    *digits = width;
    return *p == 'd' && width <= MOST_DIGITS ? (size_t)(p + 1 - at) : 0;
}

/* The first number in the file's name, or else a place for one before its extension. */
static numbered parts_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const size_t name_at = (size_t)(name - path);
    for (const char *at = strchr(name, '%'); at; at = strchr(at, '%')) {
        int digits = 0;
        const size_t bytes = number_at(at, &digits);
        const size_t before = (size_t)(at - path);
        if (bytes > 0)
            return (numbered){name_at, before, before + bytes, true, digits};
        at += at[1] == '%' ? 2 : 1;
    }
    const char *dot = strrchr(name, '.');
    const size_t end = (size_t)(dot ? dot - path : (ptrdiff_t)strlen(path));
    return (numbered){name_at, end, end, false, PNG_DIGITS};
}

/* Bytes from .. to of a path, "%%" as the one sign that it stands for in a name; in a pattern every
 * sign doubled. Gives the end of what was written. */
static char *put(char *out, const char *path, size_t from, size_t to, size_t name_at,
                 bool is_pattern)
{
    for (size_t i = from; i < to; i++) {
        *out++ = path[i];
        if (path[i] == '%' && is_pattern)
            *out++ = '%';
        if (path[i] == '%' && path[i + 1] == '%' && i >= name_at)
            i++;
    }
    return out;
}

/* The path with `number` for its number; free() it. NULL when memory is out. */
static char *name_with(const char *path, const numbered *n, const char *number, bool is_pattern)
{
    const size_t bytes = strlen(path);
    char *text = malloc(2 * bytes + strlen(number) + 2);
    if (!text)
        return NULL;
    char *at = put(text, path, 0, n->before, n->name_at, is_pattern);
    at += sprintf(at, "%s%s", n->has_number ? "" : "-", number);
    at = put(at, path, n->after, bytes, n->name_at, is_pattern);
    *at = '\0';
    return text;
}

char *media_png_pattern(const char *path)
{
    char number[16] = "%d";
    const numbered n = parts_of(path);
    if (n.digits > 0)
        snprintf(number, sizeof number, "%%0%dd", n.digits);
    return name_with(path, &n, number, true);
}

char *media_png_name(const char *path, int64_t index)
{
    char number[MOST_DIGITS + 24];
    const numbered n = parts_of(path);
    snprintf(number, sizeof number, "%0*lld", n.digits, (long long)index);
    return name_with(path, &n, number, false);
}
