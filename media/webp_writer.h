/* webp_writer.h - an animated WebP file, shown again and again; windows wait as FFV1 until then.
 * Inside media only.
 *
 * A picture is stored as the part in which it differs from the one before, encoded. libwebp leaves
 * out what hardly differs, which adds up where it grows dark, say: so every eighth picture is
 * whole. The file's first bytes say how long it is, so it is in memory, encoded, until it is
 * finished.
 */
#ifndef MEDIA_WEBP_WRITER_H
#define MEDIA_WEBP_WRITER_H

#include <libavcodec/avcodec.h>
#include <libavformat/avio.h>

#include "kernels/core/status.h"
#include "media/webp_chunks.h"
#include "media/window_unpacker.h"

typedef struct {
    media_blob_info info; /* of the windows; its codec header is not looked at */
    media_unpacker windows;
    AVCodecContext *encoder;
    AVFrame *picture;
    AVPacket *packet;
    int64_t pictures;
    int64_t part_begins; /* the first picture of the part that the encoder is at */
    uint8_t *part;       /* once it is all there */
    size_t part_bytes;
    media_webp_file file;
} media_webp;

lt_status media_webp_open(media_webp *w, const media_blob_info *info, lt_error *err);
/* Unpacks one FFV1 picture and encodes it. A negative libav error, or 0. */
int media_webp_add(media_webp *w, const AVPacket *packet);
/* Writes the whole file. A negative libav error, or 0. */
int media_webp_finish(media_webp *w, const char *comment, AVIOContext *io);
void media_webp_close(media_webp *w); /* accepts a zeroed one */

#endif
