/* frame_fit.c - see frame_fit.h. */
#include "media/frame_fit.h"

#include <math.h>

/* Nearest whole number in 1 .. most. */
static int whole(double x, int most)
{
    const double rounded = floor(x + 0.5);
    if (rounded >= most)
        return most;
    return rounded < 1 ? 1 : (int)rounded;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

lt_status media_place(int w, int h, double aspect, int width, int height, media_fit fit,
                      media_placement *out, lt_error *err)
{
    const double shown_width = w * aspect; /* on a screen, in units of a stored pixel's height */
    media_placement p = {.cut_width = w, .cut_height = h, .width = width, .height = height};
    if (fit == MEDIA_COVER) {
        /* screen units that one pixel of the frame shows */
        const double per_pixel = smaller(shown_width / width, (double)h / height);
        p.cut_width = whole(width * per_pixel / aspect, w);
        p.cut_height = whole(height * per_pixel, h);
    } else if (fit == MEDIA_PAD) {
        const double scale = smaller(width / shown_width, (double)height / h);
        p.width = whole(shown_width * scale, width);
        p.height = whole(h * scale, height);
    } else if (fit == MEDIA_CROP) {
        if (w < width || h < height)
            return lt_fail(
                err, LT_ERR_INPUT,
                "picture of %dx%d is smaller than the frame of %dx%d that is to be cut from it", w,
                h, width, height);
        p.cut_width = width;
        p.cut_height = height;
    }
    p.cut_left = (w - p.cut_width) / 2;
    p.cut_top = (h - p.cut_height) / 2;
    p.left = (width - p.width) / 2;
    p.top = (height - p.height) / 2;
    *out = p;
    return LT_OK;
}
