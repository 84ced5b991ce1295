/* png_name.c - the file names of a PNG sequence. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/video_file.h"

enum { PNG_DIGITS = 5 };

/* A path around its number: what stands before it, whether a dash joins them, its digits, what
 * stands behind it. */
typedef struct {
    int before; /* bytes */
    const char *dash;
    int digits;
    const char *after;
} numbered;

/* A "%d" or "%05d" in the file's name, or else a dash and a number before its extension. */
static numbered parts_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    for (const char *at = strchr(name, '%'); at; at = strchr(at + 1, '%')) {
        const char *p = at + 1;
        int width = 0;
        if (*p == '0' && isdigit((unsigned char)p[1])) {
            width = p[1] - '0';
            p += 2;
        }
        if (*p == 'd')
            return (numbered){(int)(at - path), "", width, p + 1};
    }
    const char *dot = strrchr(name, '.');
    const char *end = dot ? dot : name + strlen(name);
    return (numbered){(int)(end - path), "-", PNG_DIGITS, end};
}

char *media_png_pattern(const char *path)
{
    const numbered n = parts_of(path);
    if (n.dash[0] == '\0')
        return strdup(path);
    char *out = NULL;
    return asprintf(&out, "%.*s%s%%0%dd%s", n.before, path, n.dash, n.digits, n.after) < 0 ? NULL
                                                                                           : out;
}

char *media_png_name(const char *path, int64_t index)
{
    const numbered n = parts_of(path);
    char *out = NULL;
    return asprintf(&out, "%.*s%s%0*lld%s", n.before, path, n.dash, n.digits, (long long)index,
                    n.after) < 0
               ? NULL
               : out;
}
