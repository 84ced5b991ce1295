/* media_format.c - see media_format.h. */
#include "media/media_format.h"

#include <stdbool.h>

enum { MOST_SCALE = 8, MOST_SIDE = 16384 };

lt_status media_spec_check(const media_spec *s, lt_error *err)
{
    if (s->width < 1 || s->height < 1 || s->scale < 1 || s->scale > MOST_SCALE ||
        s->width > MOST_SIDE / s->scale || s->height > MOST_SIDE / s->scale)
        return lt_fail(
            err, LT_ERR_USAGE,
            "video: frames of %dx%d enlarged %d times; expected 1x1 to %dx%d after 1 to %d times",
            s->width, s->height, s->scale, MOST_SIDE, MOST_SIDE, MOST_SCALE);
    const bool halves_colour = s->format == MEDIA_MP4 || s->format == MEDIA_Y4M;
    if (halves_colour && (s->width * s->scale % 2 != 0 || s->height * s->scale % 2 != 0))
        return lt_fail(err, LT_ERR_USAGE, "video: %dx%d pixels; H.264 and Y4M need even sizes",
                       s->width * s->scale, s->height * s->scale);
    if (!(s->fps >= 0.01 && s->fps <= 1000))
        return lt_fail(err, LT_ERR_USAGE, "video: %g frames a second, expected 0.01 to 1000",
                       s->fps);
    return LT_OK;
}
