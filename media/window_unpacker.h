/* window_unpacker.h - the pictures of a window that waits as FFV1. Inside media only. */
#ifndef MEDIA_WINDOW_UNPACKER_H
#define MEDIA_WINDOW_UNPACKER_H

#include <libavcodec/avcodec.h>

#include "kernels/core/status.h"
#include "media/packet_blob.h"

typedef struct {
    AVCodecContext *decoder;
    AVFrame *picture;
    enum AVPixelFormat pixels;
} media_unpacker;

/* For windows like `info`. */
lt_status media_unpacker_open(media_unpacker *u, const media_blob_info *info, lt_error *err);
/* One packet to u->picture, until the next. A negative libav error, or 0. */
int media_unpack(media_unpacker *u, const AVPacket *packet);
void media_unpacker_close(media_unpacker *u); /* accepts a zeroed one */

#endif
