/* webp_writer.c - see webp_writer.h. */
#include "media/webp_writer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "media/libav_error.h"
#include "media/libav_functions.h"
#include "media/picture_codec.h"

/* libwebp's own. Method 6 takes seven times as long for files that are 1 % smaller. */
enum { WEBP_QUALITY = 75, WEBP_METHOD = 4 };
/* Every 49th would make files 4 % smaller and lose 0.7 dB (README). */
enum { WHOLE_EVERY = 8 };
static const AVRational millisecond = {1, 1000};

/* When picture `index` comes. */
static int64_t time_of(const media_webp *w, int64_t index)
{
    const int64_t num = w->info.rate_num;
    return (index * 1000 * w->info.rate_den + num / 2) / num;
}

/* A negative libav error, or 0. */
static int open_encoder(media_webp *w)
{
    const AVCodec *codec =
        avcodec_find_encoder_by_name(media_codec_of(w->info.format)->joining_encoder);
    w->encoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!w->encoder)
        return AVERROR(ENOMEM);
    AVCodecContext *c = w->encoder;
    c->width = w->info.width;
    c->height = w->info.height;
    c->pix_fmt = AV_PIX_FMT_RGB32;
    c->time_base = millisecond;
    c->thread_count = 1;
    c->compression_level = WEBP_METHOD;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "lossless", 0, 0);
    av_dict_set_int(&options, "quality", WEBP_QUALITY, 0);
    const int s = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    w->part_begins = w->pictures;
    return s;
}

lt_status media_webp_open(media_webp *w, const media_blob_info *info, lt_error *err)
{
    *w = (media_webp){.info = *info};
    LT_TRY(media_unpacker_open(&w->windows, info, err));
    w->picture = av_frame_alloc();
    w->packet = av_packet_alloc();
    if (!w->picture || !w->packet)
        return media_no_memory(err, "webp");
    w->picture->width = info->width;
    w->picture->height = info->height;
    w->picture->format = AV_PIX_FMT_RGB32;
    const int s = av_frame_get_buffer(w->picture, 0);
    media_webp_begin(&w->file, info->width, info->height);
    return s < 0 ? media_fail(err, LT_ERR_FAILED, s, "video: picture of %dx%d", info->width,
                              info->height)
                 : LT_OK;
}

/* What waits has no transparency; here it is asked for. */
static void make_opaque(const AVFrame *from, AVFrame *to)
{
    for (int y = 0; y < to->height; y++) {
        const uint8_t *row = from->data[0] + (ptrdiff_t)y * from->linesize[0];
        uint8_t *opaque = to->data[0] + (ptrdiff_t)y * to->linesize[0];
        for (int x = 0; x < to->width; x++) {
            uint32_t pixel;
            memcpy(&pixel, row + 4 * (ptrdiff_t)x, sizeof pixel);
            pixel |= 0xff000000U;
            memcpy(opaque + 4 * (ptrdiff_t)x, &pixel, sizeof pixel);
        }
    }
}

/* Takes what is ready: nothing for each picture, and the part at its end. */
static int take_part(media_webp *w)
{
    int s;
    while ((s = avcodec_receive_packet(w->encoder, w->packet)) >= 0) {
        const size_t bytes = (size_t)w->packet->size;
        uint8_t *const larger = bytes > 0 ? realloc(w->part, w->part_bytes + bytes) : w->part;
        if (bytes > 0 && larger) {
            memcpy(larger + w->part_bytes, w->packet->data, bytes);
            w->part = larger;
            w->part_bytes += bytes;
        }
        av_packet_unref(w->packet);
        if (bytes > 0 && !larger)
            return AVERROR(ENOMEM);
    }
    return s == AVERROR(EAGAIN) || s == AVERROR_EOF ? 0 : s;
}

static int end_part(media_webp *w)
{
    if (!w->encoder)
        return 0;
    int s = avcodec_send_frame(w->encoder, NULL);
    if (s >= 0)
        s = take_part(w);
    avcodec_free_context(&w->encoder);
    if (s >= 0)
        media_webp_add_part(&w->file, w->part, w->part_bytes,
                            time_of(w, w->pictures) - time_of(w, w->part_begins));
    free(w->part);
    w->part = NULL;
    w->part_bytes = 0;
    return s;
}

int media_webp_add(media_webp *w, const AVPacket *packet)
{
    int s = media_unpack(&w->windows, packet);
    if (s >= 0 && w->pictures % WHOLE_EVERY == 0)
        s = end_part(w);
    if (s >= 0 && !w->encoder)
        s = open_encoder(w);
    if (s >= 0)
        s = av_frame_make_writable(w->picture);
    if (s < 0)
        return s;
    make_opaque(w->windows.picture, w->picture);
    w->picture->pts = time_of(w, w->pictures++) - time_of(w, w->part_begins);
    s = avcodec_send_frame(w->encoder, w->picture);
    return s < 0 ? s : take_part(w);
}

int media_webp_finish(media_webp *w, const char *comment, AVIOContext *io)
{
    const int s = end_part(w);
    if (s < 0)
        return s;
    if (!media_webp_end(&w->file, comment) || w->file.bytes > INT_MAX)
        return AVERROR(ENOMEM);
    avio_write(io, w->file.data, (int)w->file.bytes);
    return io->error;
}

void media_webp_close(media_webp *w)
{
    media_unpacker_close(&w->windows);
    avcodec_free_context(&w->encoder);
    av_frame_free(&w->picture);
    av_packet_free(&w->packet);
    media_webp_drop(&w->file);
    free(w->part);
    *w = (media_webp){0};
}
