/* y4m_writer.c - see y4m_writer.h. */
#include "media/y4m_writer.h"

#include <string.h>

#include "media/libav_error.h"
#include "media/libav_functions.h"

static lt_status open_decoder(media_y4m *y, const media_blob_info *info, lt_error *err)
{
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_FFV1);
    y->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    y->picture = av_frame_alloc();
    if (!y->decoder || !y->picture)
        return media_no_memory(err, "y4m");
    AVCodecContext *c = y->decoder;
    c->width = info->width;
    c->height = info->height;
    c->thread_count = 1;
    c->extradata = av_mallocz(info->codec_header_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!c->extradata)
        return media_no_memory(err, "y4m");
    memcpy(c->extradata, info->codec_header, info->codec_header_bytes);
    c->extradata_size = (int)info->codec_header_bytes;
    const int s = avcodec_open2(c, codec, NULL);
    return s < 0 ? media_fail(err, LT_ERR_INPUT, s, "y4m: encoded window") : LT_OK;
}

lt_status media_y4m_open(media_y4m *y, AVIOContext *io, const media_blob_info *info, lt_error *err)
{
    *y = (media_y4m){.io = io};
    LT_TRY(open_decoder(y, info, err));
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
    int s = avcodec_send_packet(y->decoder, packet);
    if (s >= 0)
        s = avcodec_receive_frame(y->decoder, y->picture);
    if (s < 0)
        return s;
    const AVFrame *p = y->picture;
    if (p->format != AV_PIX_FMT_YUV420P || p->width != y->decoder->width ||
        p->height != y->decoder->height)
        return AVERROR_INVALIDDATA;
    avio_printf(y->io, "FRAME\n");
    write_plane(y->io, p->data[0], p->linesize[0], p->width, p->height);
    write_plane(y->io, p->data[1], p->linesize[1], p->width / 2, p->height / 2);
    write_plane(y->io, p->data[2], p->linesize[2], p->width / 2, p->height / 2);
    av_frame_unref(y->picture);
    return y->io->error;
}

void media_y4m_close(media_y4m *y)
{
    avcodec_free_context(&y->decoder);
    av_frame_free(&y->picture);
    *y = (media_y4m){0};
}
