/* latent_colours.h - what colour a latent roughly stands for: a linear map, fitted to pairs of
 * latents and pictures.
 *
 *     latent_colours map;
 *     LT_TRY(latent_colours_fit(latents, colours, cells, channels, &map, err));
 *     latent_colours_apply(&map, latent, cells, rgb);              one pixel a cell,
 *     LT_TRY(latent_colours_paint(&map, latent, h, w, &picture, err));   or a picture of any size
 *
 * Least squares with a little weight on small factors, so that channels that say nothing about
 * colour stay quiet.
 */
#ifndef TAKE_LATENT_COLOURS_H
#define TAKE_LATENT_COLOURS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"

enum { LATENT_COLOURS_MOST_CHANNELS = 64 };

/* colour [3] of 0 .. 255 = weight [3, channels] latent + bias [3] */
typedef struct {
    int channels;
    float weight[3][LATENT_COLOURS_MOST_CHANNELS];
    float bias[3];
} latent_colours;

/* LT_ERR_USAGE for no channels, or more than there is room for. */
lt_status latent_colours_check(int channels, lt_error *err);
/* latents [channels, cells], colours [cells, 3] of 0 .. 255. LT_ERR_USAGE for more channels than
 * there is room for, LT_ERR_INPUT for latents of which no map comes out. */
lt_status latent_colours_fit(const float *latents, const double *colours, int64_t cells,
                             int channels, latent_colours *out, lt_error *err);
/* latent [channels, cells] -> rgb u8 [cells, 3] */
void latent_colours_apply(const latent_colours *map, const float *latent, int64_t cells,
                          uint8_t *rgb);

/* Where a picture goes, which may be a part of a larger one. */
typedef struct {
    uint8_t *rgb; /* top left; u8 [height, width, 3] */
    int width;
    int height;
    size_t row_bytes;
} latent_picture;

/* latent [channels, h, w] -> the picture, colours blended between the middles of the cells. */
lt_status latent_colours_paint(const latent_colours *map, const float *latent, int h, int w,
                               const latent_picture *out, lt_error *err);

#endif
