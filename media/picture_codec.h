/* picture_codec.h - which codec and which pixels each kind of video holds, and what puts its
 * windows together; inside media only. */
#ifndef MEDIA_PICTURE_CODEC_H
#define MEDIA_PICTURE_CODEC_H

#include <libavcodec/avcodec.h>

#include "media/media_format.h"

/* What puts windows together. */
typedef enum {
    MEDIA_BY_MUXER,
    MEDIA_BY_Y4M_WRITER,
    MEDIA_BY_PICTURE_SEQUENCE,
    MEDIA_BY_WEBP_WRITER
} media_joiner;

/* libav's container. Its index comes first in a finished file; another one is written in one go,
 * and plays as far as it is there. */
typedef struct {
    const char *name;
    const char *option; /* that says which of the two; NULL: nothing is to be said */
    const char *finished;
    const char *growing;
    const char *track_name; /* libav's word for it */
} media_muxer;

typedef struct {
    enum AVCodecID id;
    const char *encoder; /* libav's name */
    enum AVPixelFormat pixels;
    enum AVColorSpace matrix;
    enum AVColorTransferCharacteristic transfer;
    enum AVColorRange range;
    media_joiner joiner;
    media_muxer muxer;           /* of MEDIA_BY_MUXER */
    const char *joining_encoder; /* of MEDIA_BY_WEBP_WRITER */
} media_codec;

const media_codec *media_codec_of(media_format format);

/* The rate as a fraction: exact for whole numbers and for decimals of up to three places, but for
 * those that stand for n 1000 / 1001: 29.97 is 30000 / 1001. */
AVRational media_rate(double fps);

#endif
