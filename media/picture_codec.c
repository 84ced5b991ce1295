/* picture_codec.c - see picture_codec.h. */
#include "media/picture_codec.h"

#include <math.h>

#include "media/libav_functions.h"

/* Windows of Y4M and WebP wait as FFV1 (raw frames are never kept). FFV1 in Matroska holds RGB as
 * it is. Y4M cannot tell its matrix: it gets the one that is taken for granted where none is told
 * (picture_scaler.c). */
#define VIDEO  AVCOL_SPC_BT709, AVCOL_TRC_BT709, AVCOL_RANGE_MPEG
#define UNTOLD AVCOL_SPC_UNSPECIFIED, AVCOL_TRC_BT709, AVCOL_RANGE_MPEG
#define SCREEN AVCOL_SPC_RGB, AVCOL_TRC_IEC61966_2_1, AVCOL_RANGE_JPEG

/* QuickTime's own comment ends at 64 kB; its newer kind of tags has no such end. */
#define FRAGMENTS "frag_custom+empty_moov+default_base_moof"
#define LONG_TAGS "+use_metadata_tags"
#define MP4       "mp4", "movflags", "faststart", FRAGMENTS, "handler_name"
#define MOV       "mov", "movflags", "faststart" LONG_TAGS, FRAGMENTS LONG_TAGS, "handler_name"
#define WEBM      "webm", "cues_to_front", "1", "0", "title"
#define MATROSKA  "matroska", NULL, NULL, NULL, "title"
#define NO_MUXER  NULL, NULL, NULL, NULL, NULL

/* clang-format off */
static const media_codec codecs[MEDIA_FORMATS] = {
    [MEDIA_MP4] = {AV_CODEC_ID_H264, "libx264", AV_PIX_FMT_YUV420P, VIDEO, MEDIA_BY_MUXER, {MP4}, NULL},
    [MEDIA_MKV] = {AV_CODEC_ID_FFV1, "ffv1", AV_PIX_FMT_0RGB32, SCREEN, MEDIA_BY_MUXER, {MATROSKA}, NULL},
    [MEDIA_Y4M] = {AV_CODEC_ID_FFV1, "ffv1", AV_PIX_FMT_YUV420P, UNTOLD, MEDIA_BY_Y4M_WRITER, {NO_MUXER}, NULL},
    [MEDIA_PNG] = {AV_CODEC_ID_PNG, "png", AV_PIX_FMT_RGB24, SCREEN, MEDIA_BY_PICTURE_SEQUENCE, {NO_MUXER}, NULL},
    [MEDIA_MOV] = {AV_CODEC_ID_H264, "libx264", AV_PIX_FMT_YUV420P, VIDEO, MEDIA_BY_MUXER, {MOV}, NULL},
    [MEDIA_WEBM] = {AV_CODEC_ID_VP9, "libvpx-vp9", AV_PIX_FMT_YUV420P, VIDEO, MEDIA_BY_MUXER, {WEBM}, NULL},
    [MEDIA_WEBP] = {AV_CODEC_ID_FFV1, "ffv1", AV_PIX_FMT_0RGB32, SCREEN, MEDIA_BY_WEBP_WRITER, {NO_MUXER}, "libwebp_anim"},
};
/* clang-format on */

const media_codec *media_codec_of(media_format format)
{
    return &codecs[format];
}

/* 23.976, 29.97, 59.94 and their like, as people write n 1000 / 1001 pictures a second. */
static const double rounded_by = 1e-4;
static const double least_whole = 24;

AVRational media_rate(double fps)
{
    const double whole = round(fps * 1001 / 1000);
    if (whole >= least_whole && fabs(whole * 1000 / 1001 - fps) < rounded_by)
        return (AVRational){(int)whole * 1000, 1001};
    return av_d2q(fps, 1000000);
}
