/* conv_image.c - see conv_image.h. */
#include "kernels/cpu/conv_image.h"

#include <string.h>

const void *lt_conv_frame(const lt_conv_image *image, int64_t t)
{
    const int64_t frame = image->x.stride[0];
    if (t >= 0)
        return lt_at(&image->x, t * frame);
    if (lt_is_none(&image->args->history))
        return image->x.data;
    return lt_at(&image->args->history, (image->kt - 1 + t) * frame);
}

void lt_conv_row(const lt_conv_image *image, const lt_product *kernel, const lt_conv_span *span,
                 const void *frame, int64_t y, char *row)
{
    const lt_tensor *x = &image->x;
    const int64_t channels = x->dim[3];
    const int64_t width = x->dim[2];
    const int64_t begin = span->x0 < 0 ? lt_min(-span->x0, span->columns) : 0;
    int64_t end = lt_min(span->columns, width - span->x0);
    if (y < 0 || y >= x->dim[1] || end < begin)
        end = begin;
    const int64_t pixel_bytes = channels * (int64_t)lt_dtype_bytes(x->dtype);
    const char *from = (const char *)frame + (y * width + span->x0 + begin) * pixel_bytes +
                       span->first * (int64_t)lt_dtype_bytes(x->dtype);
    if (span->channels == channels)
        kernel->load(row + lt_product_bytes(kernel, begin * channels), from, x->dtype,
                     (end - begin) * channels);
    else
        for (int64_t column = begin; column < end; column++, from += pixel_bytes)
            kernel->load(row + lt_product_bytes(kernel, column * span->channels), from, x->dtype,
                         span->channels);
    memset(row, 0, (size_t)lt_product_bytes(kernel, begin * span->channels));
    memset(row + lt_product_bytes(kernel, end * span->channels), 0,
           (size_t)lt_product_bytes(kernel, (span->columns - end) * span->channels));
}
