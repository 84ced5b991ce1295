/* window_encoder.c - see window_encoder.h. */
#include "media/window_encoder.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "media/libav_error.h"
#include "media/libav_functions.h"
#include "media/packet_blob.h"
#include "media/picture_codec.h"
#include "media/picture_scaler.h"

/* 17: no difference to be seen. Fixed, because the bytes depend on the number of threads. */
enum { H264_QUALITY = 17, H264_THREADS = 4, FFV1_SLICES = 4, LEAST_SLICED = 16 };
/* 13 is as close to what was given as H.264's 17 (README). Speed 2: 0 takes three times as long for
 * files that are 1 % smaller. */
enum { VP9_QUALITY = 13, VP9_SPEED = 2 };

struct media_encoder {
    media_spec spec;
    const media_codec *kind;
    AVCodecContext *codec;
    AVBSFContext *strip; /* takes the encoder's name and version out */
    /* copy of the caller's frame: libswscale reads a little past the end of a row */
    AVFrame *given;
    AVFrame *picture; /* what is encoded */
    AVPacket *packet;
    media_scaler scaler;
    media_blob_writer blob;
    int64_t pictures;
    int64_t packets; /* one a picture */
};

/* ---- opening ---- */

static bool has_avx512(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f");
#else
    return false;
#endif
}

static void set_h264(AVCodecContext *c, AVDictionary **options)
{
    c->profile = AV_PROFILE_H264_HIGH;
    c->gop_size = INT_MAX; /* one group a window ... */
    c->max_b_frames = 0;   /* ... in order of display: no edit list, and the file is as long as its
                              frames */
    c->thread_count = H264_THREADS;
    av_dict_set(options, "preset", "medium", 0);
    av_dict_set_int(options, "crf", H264_QUALITY, 0);
    av_dict_set_int(options, "sc_threshold", 0, 0);
    if (has_avx512()) /* x264's code for it gives other bytes now and then, see README; that for
                         AVX2 the usual ones, as fast */
        av_dict_set(options, "x264-params", "asm=avx2", 0);
}

/* Without a look ahead there are no pictures that are not shown: a packet is a picture. One thread:
 * in rows that several share libvpx gives other bytes. */
static void set_vp9(AVCodecContext *c, AVDictionary **options)
{
    c->gop_size = INT_MAX;
    c->bit_rate = 0; /* none is aimed at: the quality is constant */
    av_dict_set_int(options, "crf", VP9_QUALITY, 0);
    av_dict_set(options, "deadline", "good", 0);
    av_dict_set_int(options, "cpu-used", VP9_SPEED, 0);
    av_dict_set_int(options, "lag-in-frames", 0, 0);
    av_dict_set_int(options, "auto-alt-ref", 0, 0);
    av_dict_set_int(options, "row-mt", 0, 0);
}

/* Version 3 has slices and checksums; pictures too small for slices are written as version 1. */
static void set_ffv1(AVCodecContext *c, AVDictionary **options)
{
    c->gop_size = 1;
    c->level = 1;
    if (c->width < LEAST_SLICED || c->height < LEAST_SLICED)
        return;
    c->level = 3;
    c->slices = FFV1_SLICES;
    av_dict_set_int(options, "slicecrc", 1, 0);
}

static lt_status find_encoder(media_format format, const char *name, const AVCodec **out,
                              lt_error *err)
{
    *out = avcodec_find_encoder_by_name(name);
    return *out ? LT_OK
                : lt_fail(err, LT_ERR_FAILED,
                          "video: %s needs the encoder %s, which this build of libav lacks",
                          media_kind_of(format)->name, name);
}

lt_status media_encoder_check(media_format format, lt_error *err)
{
    const media_codec *kind = media_codec_of(format);
    const AVCodec *found = NULL;
    LT_TRY(media_begin(err));
    LT_TRY(find_encoder(format, kind->encoder, &found, err));
    return kind->joining_encoder ? find_encoder(format, kind->joining_encoder, &found, err) : LT_OK;
}

static lt_status open_codec(media_encoder *e, lt_error *err)
{
    const AVCodec *codec = NULL;
    LT_TRY(find_encoder(e->spec.format, e->kind->encoder, &codec, err));
    e->codec = avcodec_alloc_context3(codec);
    if (!e->codec)
        return media_no_memory(err, "video");
    AVCodecContext *c = e->codec;
    const AVRational rate = media_rate(e->spec.fps);
    c->width = e->spec.width * e->spec.scale;
    c->height = e->spec.height * e->spec.scale;
    c->pix_fmt = e->kind->pixels;
    c->colorspace = e->kind->matrix;
    c->color_range = e->kind->range;
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = e->kind->transfer;
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->framerate = rate;
    c->time_base = av_inv_q(rate);
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    AVDictionary *options = NULL;
    if (e->kind->id == AV_CODEC_ID_H264)
        set_h264(c, &options);
    if (e->kind->id == AV_CODEC_ID_VP9)
        set_vp9(c, &options);
    if (e->kind->id == AV_CODEC_ID_FFV1)
        set_ffv1(c, &options);
    const int s = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    return s < 0 ? media_fail(err, LT_ERR_FAILED, s, "video: %s encoder for %dx%d",
                              e->kind->encoder, c->width, c->height)
                 : LT_OK;
}

/* x264 writes its version and settings into a SEI unit (type 6) before the first picture; it has no
 * other of these. */
static lt_status open_strip(media_encoder *e, lt_error *err)
{
    const bool h264 = e->kind->id == AV_CODEC_ID_H264;
    const char *const name = h264 ? "filter_units" : "null";
    const AVBitStreamFilter *filter = av_bsf_get_by_name(name);
    if (!filter)
        return lt_fail(err, LT_ERR_FAILED, "video: this build of libav has no bitstream filter %s",
                       name);
    int s = av_bsf_alloc(filter, &e->strip);
    if (s >= 0)
        s = avcodec_parameters_from_context(e->strip->par_in, e->codec);
    if (s >= 0 && h264)
        s = av_opt_set(e->strip->priv_data, "remove_types", "6", 0);
    if (s >= 0)
        s = av_bsf_init(e->strip);
    return s < 0 ? media_fail(err, LT_ERR_FAILED, s, "video: %s", filter->name) : LT_OK;
}

/* Memory for a picture whose size and format are set. It is cleared: an encoder reads beyond a
 * picture whose sides are odd, where nobody writes, and the file must depend on what was asked for
 * alone. */
static int give_memory(AVFrame *picture)
{
    const int s = av_frame_get_buffer(picture, 0);
    for (int i = 0; s >= 0 && i < AV_NUM_DATA_POINTERS && picture->buf[i]; i++)
        memset(picture->buf[i]->data, 0, picture->buf[i]->size);
    return s;
}

/* A new picture: the encoder may still look at the last one's memory. */
static int next_picture(media_encoder *e)
{
    av_frame_unref(e->picture);
    e->picture->width = e->codec->width;
    e->picture->height = e->codec->height;
    e->picture->format = e->codec->pix_fmt;
    e->picture->colorspace = e->codec->colorspace;
    e->picture->color_range = e->codec->color_range;
    e->picture->pts = e->pictures;
    return give_memory(e->picture);
}

static lt_status open_pictures(media_encoder *e, lt_error *err)
{
    e->given = av_frame_alloc();
    e->picture = av_frame_alloc();
    e->packet = av_packet_alloc();
    if (!e->given || !e->picture || !e->packet)
        return media_no_memory(err, "video");
    e->given->width = e->spec.width;
    e->given->height = e->spec.height;
    e->given->format = AV_PIX_FMT_RGB24;
    const int s = give_memory(e->given);
    return s < 0 ? media_fail(err, LT_ERR_FAILED, s, "video: picture of %dx%d", e->codec->width,
                              e->codec->height)
                 : LT_OK;
}

lt_status media_encoder_open(const media_spec *spec, media_encoder **out, lt_error *err)
{
    *out = NULL;
    LT_TRY(media_spec_check(spec, err));
    LT_TRY(media_encoder_check(spec->format, err));
    media_encoder *e = calloc(1, sizeof *e);
    if (!e) {
        media_no_memory(err, "video");
        return LT_ERR_RESOURCES;
    }
    e->spec = *spec;
    e->kind = media_codec_of(spec->format);
    lt_status s = open_codec(e, err);
    if (s == LT_OK)
        s = open_strip(e, err);
    if (s == LT_OK)
        s = open_pictures(e, err);
    if (s != LT_OK) {
        media_encoder_close(e);
        return s;
    }
    const media_blob_info info = {.format = spec->format,
                                  .width = e->codec->width,
                                  .height = e->codec->height,
                                  .rate_num = e->codec->framerate.num,
                                  .rate_den = e->codec->framerate.den,
                                  .codec_header = e->codec->extradata,
                                  .codec_header_bytes = (size_t)e->codec->extradata_size};
    media_blob_begin(&e->blob, &info);
    *out = e;
    return LT_OK;
}

/* ---- pictures ---- */

/* Takes what the filter has ready. */
static int store_packets(media_encoder *e)
{
    int s;
    while ((s = av_bsf_receive_packet(e->strip, e->packet)) >= 0) {
        media_blob_add(&e->blob, e->packet->data, (size_t)e->packet->size, e->packet->pts,
                       e->packet->flags & AV_PKT_FLAG_KEY);
        e->packets++;
        av_packet_unref(e->packet);
    }
    return s == AVERROR(EAGAIN) || s == AVERROR_EOF ? 0 : s;
}

/* Encodes one picture, or with NULL gets what the encoder still holds. */
static int encode(media_encoder *e, const AVFrame *picture)
{
    int s = avcodec_send_frame(e->codec, picture);
    while (s >= 0) {
        s = avcodec_receive_packet(e->codec, e->packet);
        if (s == AVERROR(EAGAIN) || s == AVERROR_EOF)
            return 0;
        if (s >= 0)
            s = av_bsf_send_packet(e->strip, e->packet);
        if (s >= 0)
            s = store_packets(e);
    }
    return s;
}

lt_status media_encoder_add(media_encoder *e, const uint8_t *rgb, lt_error *err)
{
    int s = next_picture(e);
    if (s < 0)
        return media_fail(err, LT_ERR_FAILED, s, "video: picture %lld", (long long)e->pictures);
    const size_t row_bytes = 3 * (size_t)e->spec.width;
    for (int row = 0; row < e->spec.height; row++)
        memcpy(e->given->data[0] + (ptrdiff_t)row * e->given->linesize[0],
               rgb + (size_t)row * row_bytes, row_bytes);
    LT_TRY(media_scale(&e->scaler, e->given, e->picture, err));
    s = encode(e, e->picture);
    if (s < 0)
        return media_fail(err, LT_ERR_FAILED, s, "video: picture %lld", (long long)e->pictures);
    e->pictures++;
    return LT_OK;
}

static lt_status finish(media_encoder *e, void **blob, size_t *bytes, lt_error *err)
{
    if (e->pictures == 0)
        return lt_fail(err, LT_ERR_USAGE, "video: a window without frames");
    int s = encode(e, NULL);
    if (s >= 0)
        s = av_bsf_send_packet(e->strip, NULL);
    if (s >= 0)
        s = store_packets(e);
    if (s < 0)
        return media_fail(err, LT_ERR_FAILED, s, "video: the last of %lld pictures",
                          (long long)e->pictures);
    if (e->packets != e->pictures) /* the file's times are counted in packets */
        return lt_fail(err, LT_ERR_FAILED, "video: %s made %lld packets of %lld pictures",
                       e->kind->encoder, (long long)e->packets, (long long)e->pictures);
    return media_blob_finish(&e->blob, e->pictures, blob, bytes, err);
}

lt_status media_encoder_finish(media_encoder *e, void **blob, size_t *bytes, lt_error *err)
{
    *blob = NULL;
    *bytes = 0;
    const lt_status s = finish(e, blob, bytes, err);
    media_encoder_close(e);
    return s;
}

void media_encoder_close(media_encoder *e)
{
    if (!e)
        return;
    media_scaler_close(&e->scaler);
    av_bsf_free(&e->strip);
    avcodec_free_context(&e->codec);
    av_frame_free(&e->given);
    av_frame_free(&e->picture);
    av_packet_free(&e->packet);
    media_blob_drop(&e->blob);
    free(e);
}

lt_status media_encode_frames(const media_spec *spec, const uint8_t *frames, int64_t count,
                              void **blob, size_t *bytes, lt_error *err)
{
    const size_t frame_bytes = (size_t)spec->width * (size_t)spec->height * 3;
    media_encoder *e = NULL;
    *blob = NULL;
    *bytes = 0;
    LT_TRY(media_encoder_open(spec, &e, err));
    for (int64_t i = 0; i < count; i++) {
        const lt_status s = media_encoder_add(e, frames + (size_t)i * frame_bytes, err);
        if (s != LT_OK) {
            media_encoder_close(e);
            return s;
        }
    }
    return media_encoder_finish(e, blob, bytes, err);
}
