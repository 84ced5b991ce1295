/* y4m_writer.h - uncompressed 4:2:0 frames behind a line of text; windows wait as FFV1 until then.
 * Inside media only. */
#ifndef MEDIA_Y4M_WRITER_H
#define MEDIA_Y4M_WRITER_H

#include <libavcodec/avcodec.h>
#include <libavformat/avio.h>

#include "kernels/core/status.h"
#include "media/window_unpacker.h"

typedef struct {
    AVIOContext *io; /* borrowed */
    media_unpacker windows;
} media_y4m;

/* Writes the header of a video like `info` to `io`. */
lt_status media_y4m_open(media_y4m *y, AVIOContext *io, const media_blob_info *info, lt_error *err);
/* Unpacks one FFV1 picture and writes it. A negative libav error, or 0. */
int media_y4m_write(media_y4m *y, const AVPacket *packet);
void media_y4m_close(media_y4m *y); /* accepts a zeroed one */

#endif
