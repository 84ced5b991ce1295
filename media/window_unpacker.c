/* window_unpacker.c - see window_unpacker.h. */
#include "media/window_unpacker.h"

#include <string.h>

#include "media/libav_error.h"
#include "media/libav_functions.h"
#include "media/picture_codec.h"

lt_status media_unpacker_open(media_unpacker *u, const media_blob_info *info, lt_error *err)
{
    const media_codec *kind = media_codec_of(info->format);
    const AVCodec *codec = avcodec_find_decoder(kind->id);
    *u = (media_unpacker){.decoder = codec ? avcodec_alloc_context3(codec) : NULL,
                          .picture = av_frame_alloc(),
                          .pixels = kind->pixels};
    if (!u->decoder || !u->picture)
        return media_no_memory(err, "encoded window");
    AVCodecContext *c = u->decoder;
    c->width = info->width;
    c->height = info->height;
    c->thread_count = 1;
    c->extradata = av_mallocz(info->codec_header_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!c->extradata)
        return media_no_memory(err, "encoded window");
    memcpy(c->extradata, info->codec_header, info->codec_header_bytes);
    c->extradata_size = (int)info->codec_header_bytes;
    const int s = avcodec_open2(c, codec, NULL);
    return s < 0 ? media_fail(err, LT_ERR_INPUT, s, "encoded window") : LT_OK;
}

int media_unpack(media_unpacker *u, const AVPacket *packet)
{
    int s = avcodec_send_packet(u->decoder, packet);
    if (s >= 0)
        s = avcodec_receive_frame(u->decoder, u->picture);
    if (s < 0)
        return s;
    const AVFrame *p = u->picture;
    return p->format == (int)u->pixels && p->width == u->decoder->width &&
                   p->height == u->decoder->height
               ? 0
               : AVERROR_INVALIDDATA;
}

void media_unpacker_close(media_unpacker *u)
{
    avcodec_free_context(&u->decoder);
    av_frame_free(&u->picture);
    *u = (media_unpacker){0};
}
