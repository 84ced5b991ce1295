/* picture_codec.c - see picture_codec.h. */
#include "media/picture_codec.h"

#include <math.h>

#include "media/libav_functions.h"

/* Y4M windows wait as FFV1 (raw frames are never kept). FFV1 in Matroska holds RGB as it is. Y4M
 * cannot tell its matrix: it gets the one that is taken for granted where none is told
 * (picture_scaler.c). */
#define VIDEO  AVCOL_SPC_BT709, AVCOL_TRC_BT709, AVCOL_RANGE_MPEG
#define UNTOLD AVCOL_SPC_UNSPECIFIED, AVCOL_TRC_BT709, AVCOL_RANGE_MPEG
#define SCREEN AVCOL_SPC_RGB, AVCOL_TRC_IEC61966_2_1, AVCOL_RANGE_JPEG
static const media_codec codecs[] = {
    [MEDIA_MP4] = {AV_CODEC_ID_H264, "libx264", AV_PIX_FMT_YUV420P, VIDEO},
    [MEDIA_MKV] = {AV_CODEC_ID_FFV1, "ffv1", AV_PIX_FMT_0RGB32, SCREEN},
    [MEDIA_Y4M] = {AV_CODEC_ID_FFV1, "ffv1", AV_PIX_FMT_YUV420P, UNTOLD},
    [MEDIA_PNG] = {AV_CODEC_ID_PNG, "png", AV_PIX_FMT_RGB24, SCREEN},
};

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
