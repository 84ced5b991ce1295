/* frame_fit.h - where a picture of any size goes in a frame of the model's size.
 *
 *     cover    scaled to fill the frame, what is over is cut off evenly on both sides (the default)
 *     pad      scaled to lie inside the frame, black around it
 *     crop     the middle of the stored picture, not scaled; it must be large enough
 *     stretch  scaled to the frame's size, whatever its shape
 *
 * Shapes are those seen on a screen: pixels that are not square are stretched by their aspect ratio
 * first.
 */
#ifndef MEDIA_FRAME_FIT_H
#define MEDIA_FRAME_FIT_H

#include "kernels/core/status.h"

typedef enum { MEDIA_COVER, MEDIA_PAD, MEDIA_CROP, MEDIA_STRETCH } media_fit;

typedef struct {
    int cut_left; /* the part of the stored picture that is shown, stored pixels */
    int cut_top;
    int cut_width;
    int cut_height;
    int width; /* what it is scaled to, pixels of the frame */
    int height;
    int left; /* where that lies in the frame */
    int top;
} media_placement;

/* A stored picture of w x h with pixels `aspect` times as wide as high, in a frame of width x
 * height. LT_ERR_INPUT where `crop` has too few pixels. */
lt_status media_place(int w, int h, double aspect, int width, int height, media_fit fit,
                      media_placement *out, lt_error *err);

#endif
