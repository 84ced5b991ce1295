/* media_format.h - the kinds of video that we write, and what one video is like. */
#ifndef MEDIA_FORMAT_H
#define MEDIA_FORMAT_H

#include "kernels/core/status.h"

typedef enum {
    MEDIA_MP4, /* H.264, 4:2:0: plays everywhere */
    MEDIA_MKV, /* FFV1: every RGB value as it was */
    MEDIA_Y4M, /* uncompressed 4:2:0, for a pipe */
    MEDIA_PNG  /* one picture a frame */
} media_format;

typedef struct {
    media_format format;
    int width; /* of the frames that are given, pixels */
    int height;
    int scale;  /* 1..8: the video is this many times as large (Lanczos) */
    double fps; /* > 0 */
} media_spec;

/* LT_ERR_USAGE where a number is out of range; H.264 and Y4M need even sizes after scaling. */
lt_status media_spec_check(const media_spec *spec, lt_error *err);

#endif
