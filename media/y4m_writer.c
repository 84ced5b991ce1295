/* y4m_writer.c - see y4m_writer.h. */
#include "media/y4m_writer.h"

#include "media/libav_functions.h"

lt_status media_y4m_open(media_y4m *y, AVIOContext *io, const media_blob_info *info, lt_error *err)
{
    *y = (media_y4m){.io = io};
    LT_TRY(media_unpacker_open(&y->windows, info, err));
    avio_printf(io, "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED\n", info->width,
                info->height, info->rate_num, info->rate_den);
    return LT_OK;
}

static void write_plane(AVIOContext *io, const uint8_t *rows, int stride, int width, int height)
{
    for (int row = 0; row < height; row++)
        avio_write(io, rows + (ptrdiff_t)row * stride, width);
}

int media_y4m_write(media_y4m *y, const AVPacket *packet)
{
    const int s = media_unpack(&y->windows, packet);
    if (s < 0)
        return s;
    const AVFrame *p = y->windows.picture;
    avio_printf(y->io, "FRAME\n");
    write_plane(y->io, p->data[0], p->linesize[0], p->width, p->height);
    write_plane(y->io, p->data[1], p->linesize[1], p->width / 2, p->height / 2);
    write_plane(y->io, p->data[2], p->linesize[2], p->width / 2, p->height / 2);
    return y->io->error;
}

void media_y4m_close(media_y4m *y)
{
    media_unpacker_close(&y->windows);
    *y = (media_y4m){0};
}
