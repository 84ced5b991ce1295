/* media_format.c - see media_format.h. */
#include "media/media_format.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { MOST_SCALE = 8, MOST_SIDE = 16384 };

static const struct {
    const char *name;
    media_format format;
} names[] = {{"mp4", MEDIA_MP4}, {"mkv", MEDIA_MKV}, {"y4m", MEDIA_Y4M}, {"png", MEDIA_PNG}};

bool media_format_named(const char *name, media_format *out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i].name) == 0) {
            *out = names[i].format;
            return true;
        }
    return false;
}

bool media_format_of_file(const char *file, media_format *out)
{
    const char *slash = strrchr(file, '/');
    const char *dot = strrchr(slash ? slash : file, '.');
    return dot && media_format_named(dot + 1, out);
}

lt_status media_spec_check(const media_spec *s, lt_error *err)
{
    if (s->width < 1 || s->height < 1 || s->scale < 1 || s->scale > MOST_SCALE ||
        s->width > MOST_SIDE / s->scale || s->height > MOST_SIDE / s->scale)
        return lt_fail(err, LT_ERR_USAGE,
                       "video: frames of %dx%d enlarged %d times; expected 1x1 to %dx%d after 1 to %d times",
                       s->width, s->height, s->scale, MOST_SIDE, MOST_SIDE, MOST_SCALE);
    const bool halves_colour = s->format == MEDIA_MP4 || s->format == MEDIA_Y4M;
    if (halves_colour && (s->width * s->scale % 2 != 0 || s->height * s->scale % 2 != 0))
        return lt_fail(err, LT_ERR_USAGE, "video: %dx%d pixels; H.264 and Y4M need even sizes",
                       s->width * s->scale, s->height * s->scale);
    if (!(s->fps >= 0.01 && s->fps <= 1000))
        return lt_fail(err, LT_ERR_USAGE, "video: %g frames a second, expected 0.01 to 1000", s->fps);
    return LT_OK;
}
