/* picture_codec.h - which codec and which pixels each kind of video holds; inside media only. */
#ifndef MEDIA_PICTURE_CODEC_H
#define MEDIA_PICTURE_CODEC_H

#include <libavcodec/avcodec.h>

#include "media/media_format.h"

typedef struct {
    enum AVCodecID id;
    const char *encoder; /* libav's name */
    enum AVPixelFormat pixels;
    enum AVColorSpace matrix;
    enum AVColorTransferCharacteristic transfer;
    enum AVColorRange range;
} media_codec;

const media_codec *media_codec_of(media_format format);

/* The rate as a fraction: exact for whole numbers and for decimals of up to three places, but for
 * those that stand for n 1000 / 1001: 29.97 is 30000 / 1001. */
AVRational media_rate(double fps);

#endif
