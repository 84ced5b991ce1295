/* picture_scaler.h - one picture to another size and pixel format; the only
 * place that knows libswscale. */
#ifndef MEDIA_PICTURE_SCALER_H
#define MEDIA_PICTURE_SCALER_H

#include <libavutil/frame.h>

#include "kernels/core/status.h"

struct SwsContext;

/* Keeps tables from picture to picture. Zero it before the first use. */
typedef struct {
    struct SwsContext *context;
} media_scaler;

/* Fills `out`, whose size, format, colours and memory are set, from `in`. Lanczos; the same bytes
 * on every processor. Colours follow the tags of both frames; an untagged YUV picture is BT.709
 * from 720 rows on, else BT.601. */
lt_status media_scale(media_scaler *s, const AVFrame *in, AVFrame *out, lt_error *err);
void media_scaler_close(media_scaler *s);

#endif
