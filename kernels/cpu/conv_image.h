/* conv_image.h - the image that a convolution reads: its frames, those before the first too, row by
 * row, with zeros around. */
#ifndef LT_CONV_IMAGE_H
#define LT_CONV_IMAGE_H

#include "kernels/cpu/cpu_backend.h"

typedef struct {
    lt_tensor x; /* [T, H, W, Cin] */
    const lt_conv_args *args;
    int64_t kt;
} lt_conv_image;

/* Frame t, t from -(kt-1) on: before the first stands the history, or the first frame again. */
const void *lt_conv_frame(const lt_conv_image *image, int64_t t);

/* A rectangle of a row: `channels` channels from `first` on of `columns` columns from x0 on. */
typedef struct {
    int64_t first;
    int64_t channels;
    int64_t x0;
    int64_t columns;
} lt_conv_span;

/* row [columns][channels] = the span in row y of a frame, as the product's
 * elements; zero outside of the image. */
void lt_conv_row(const lt_conv_image *image, const lt_product *kernel, const lt_conv_span *span,
                 const void *frame, int64_t y, char *row);

#endif
