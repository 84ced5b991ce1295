/* png_name.c - the file names of a PNG sequence. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/video_file.h"

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A "%d" or "%05d" in a file name: where it begins and ends, and how many digits it asks for. */
static const char *find_number(const char *name, const char **after, int *digits)
{
    for (const char *at = strchr(name, '%'); at; at = strchr(at + 1, '%')) {
        const char *p = at + 1;
        int width = 0;
        if (*p == '0' && isdigit((unsigned char)p[1])) {
            width = p[1] - '0';
            p += 2;
        }
        if (*p == 'd') {
            *after = p + 1;
            *digits = width;
            return at;
        }
    }
    return NULL;
}

char *media_png_pattern(const char *path)
{
    const char *const name = name_in(path);
    const char *after;
    int digits;
    if (find_number(name, &after, &digits))
        return strdup(path);
    const char *const dot = strrchr(name, '.');
    const size_t stem = dot ? (size_t)(dot - path) : strlen(path);
    char *out = NULL;
    return asprintf(&out, "%.*s-%%05d%s", (int)stem, path, path + stem) < 0 ? NULL : out;
}

char *media_png_name(const char *path, int64_t index)
{
    char *const pattern = media_png_pattern(path);
    if (!pattern)
        return NULL;
    const char *after;
    int digits;
    const char *const before = find_number(name_in(pattern), &after, &digits);
    char *out = NULL;
    const int bytes = asprintf(&out, "%.*s%0*lld%s", (int)(before - pattern), pattern, digits, (long long)index, after);
    free(pattern);
    return bytes < 0 ? NULL : out;
}
