/* media_format.h - the kinds of video that we write, and what one video is like.
 *
 * What the rest of the program has to know of a kind stands in one table, media_kind_of; what libav
 * has to know of it in another, inside media (picture_codec.h).
 */
#ifndef MEDIA_FORMAT_H
#define MEDIA_FORMAT_H

#include <stdbool.h>

#include "kernels/core/status.h"

/* Job folders hold these numbers: a new kind is added at the end. */
typedef enum {
    MEDIA_MP4,  /* H.264, 4:2:0: plays everywhere */
    MEDIA_MKV,  /* FFV1: every RGB value as it was */
    MEDIA_Y4M,  /* uncompressed 4:2:0, for a pipe */
    MEDIA_PNG,  /* one picture a frame */
    MEDIA_MOV,  /* what MP4 holds, as editors like to have it */
    MEDIA_WEBM, /* VP9, 4:2:0: for pages */
    MEDIA_WEBP, /* an animation that is shown again and again: for pages */
    MEDIA_FORMATS
} media_format;

typedef struct {
    const char *name; /* and the extension of its files */
    bool even_sides;  /* for every two by two pixels there is one colour */
    bool grows;       /* plays while it is still being written */
    bool streams;     /* can be written to a pipe */
    bool many_files;  /* one a picture */
    bool fits_mp4;    /* its windows are those of an MP4 */
    int most_side;    /* pixels */
} media_kind;

const media_kind *media_kind_of(media_format format);

typedef struct {
    media_format format;
    int width; /* of the frames that are given, pixels */
    int height;
    int scale;  /* 1..8: the video is this many times as large (Lanczos) */
    double fps; /* > 0 */
} media_spec;

/* LT_ERR_USAGE where a number is out of range; 4:2:0 needs even sizes after scaling. */
lt_status media_spec_check(const media_spec *spec, lt_error *err);

#endif
