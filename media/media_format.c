/* media_format.c - see media_format.h. */
#include "media/media_format.h"

enum { MOST_SCALE = 8, MOST_SIDE = 16384, MOST_WEBP_SIDE = 16383 };

/* clang-format off */
static const media_kind kinds[MEDIA_FORMATS] = {
    [MEDIA_MP4]  = {.name = "mp4", .most_side = MOST_SIDE, .even_sides = true, .grows = true, .streams = true, .fits_mp4 = true},
    [MEDIA_MKV]  = {.name = "mkv", .most_side = MOST_SIDE, .grows = true, .streams = true},
    [MEDIA_Y4M]  = {.name = "y4m", .most_side = MOST_SIDE, .even_sides = true, .streams = true},
    [MEDIA_PNG]  = {.name = "png", .most_side = MOST_SIDE, .many_files = true},
    [MEDIA_MOV]  = {.name = "mov", .most_side = MOST_SIDE, .even_sides = true, .grows = true, .streams = true, .fits_mp4 = true},
    [MEDIA_WEBM] = {.name = "webm", .most_side = MOST_SIDE, .even_sides = true, .grows = true, .streams = true},
    [MEDIA_WEBP] = {.name = "webp", .most_side = MOST_WEBP_SIDE},
};
/* clang-format on */

const media_kind *media_kind_of(media_format format)
{
    return &kinds[format];
}

lt_status media_spec_check(const media_spec *s, lt_error *err)
{
    const media_kind *kind = media_kind_of(s->format);
    if (s->width < 1 || s->height < 1 || s->scale < 1 || s->scale > MOST_SCALE ||
        s->width > kind->most_side / s->scale || s->height > kind->most_side / s->scale)
        return lt_fail(
            err, LT_ERR_USAGE,
            "video: frames of %dx%d enlarged %d times; expected 1x1 to %dx%d after 1 to %d times",
            s->width, s->height, s->scale, kind->most_side, kind->most_side, MOST_SCALE);
    if (kind->even_sides && (s->width * s->scale % 2 != 0 || s->height * s->scale % 2 != 0))
        return lt_fail(err, LT_ERR_USAGE, "video: %dx%d pixels; %s needs even sizes",
                       s->width * s->scale, s->height * s->scale, kind->name);
    if (!(s->fps >= 0.01 && s->fps <= 1000))
        return lt_fail(err, LT_ERR_USAGE, "video: %g frames a second, expected 0.01 to 1000",
                       s->fps);
    return LT_OK;
}
