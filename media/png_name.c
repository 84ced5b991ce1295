/* png_name.c - the file names of a PNG sequence. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/video_file.h"

enum { PNG_DIGITS = 5 };

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

char *media_png_name(const char *path, int64_t index)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *after;
    const char *dash = "";
    int digits;
    const char *before = find_number(name, &after, &digits);
    if (!before) {
        const char *dot = strrchr(name, '.');
        before = after = dot ? dot : name + strlen(name);
        digits = PNG_DIGITS;
        dash = "-";
    }
    char *out = NULL;
    const int bytes =
        asprintf(&out, "%.*s%s%0*lld%s", (int)(before - path), path, dash, digits, (long long)index, after);
    return bytes < 0 ? NULL : out;
}
