/* picture_scaler.c - see picture_scaler.h. */
#include "media/picture_scaler.h"

#include <stdbool.h>

#include "media/libav_error.h"
#include "media/libav_functions.h"

enum {
    FLAGS = SWS_LANCZOS | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP,
    ONE = 1 << 16, /* neutral contrast and saturation */
    ROWS_OF_HD = 720
};

static bool is_rgb(const AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    return d && (d->flags & AV_PIX_FMT_FLAG_RGB);
}

static int matrix_of(const AVFrame *f)
{
    switch (f->colorspace) {
    case AVCOL_SPC_BT709:
        return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
        return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
        return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return SWS_CS_BT2020;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        return SWS_CS_ITU601;
    default:
        return !is_rgb(f) && f->height >= ROWS_OF_HD ? SWS_CS_ITU709 : SWS_CS_ITU601;
    }
}

/* Grey, perhaps with alpha: no colours that one would have to know the matrix of. */
static bool is_grey(const AVPixFmtDescriptor *d)
{
    return d && d->nb_components <= 2 && !(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL));
}

/* Values 0..255 instead of 16..235. The old "J" formats say so by themselves; grey pictures are so
 * unless they say otherwise. */
static int is_full_range(const AVFrame *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    const bool j =
        d && d->name[0] == 'y' && d->name[1] == 'u' && d->name[2] == 'v' && d->name[3] == 'j';
    return is_rgb(f) || j || f->color_range == AVCOL_RANGE_JPEG ||
           (is_grey(d) && f->color_range != AVCOL_RANGE_MPEG);
}

lt_status media_scale(media_scaler *s, const AVFrame *in, AVFrame *out, lt_error *err)
{
    s->context = sws_getCachedContext(s->context, in->width, in->height, in->format, out->width,
                                      out->height, out->format, FLAGS, NULL, NULL, NULL);
    if (!s->context)
        return lt_fail(
            err, LT_ERR_INPUT, "picture: no way from %s %dx%d to %s %dx%d",
            av_get_pix_fmt_name(in->format) ? av_get_pix_fmt_name(in->format) : "an unknown format",
            in->width, in->height, av_get_pix_fmt_name(out->format), out->width, out->height);
    /* Refused where neither side is YUV, and then not needed. */
    (void)sws_setColorspaceDetails(s->context, sws_getCoefficients(matrix_of(in)),
                                   is_full_range(in), sws_getCoefficients(matrix_of(out)),
                                   is_full_range(out), 0, ONE, ONE);
    const int rows = sws_scale(s->context, (const uint8_t *const *)in->data, in->linesize, 0,
                               in->height, out->data, out->linesize);
    if (rows != out->height)
        return media_fail(err, LT_ERR_FAILED, rows < 0 ? rows : AVERROR_EXTERNAL,
                          "picture: %d of %d rows scaled", rows, out->height);
    return LT_OK;
}

void media_scaler_close(media_scaler *s)
{
    sws_freeContext(s->context);
    *s = (media_scaler){0};
}
