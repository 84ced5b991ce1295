/* latent_colours.h - what colour a latent roughly stands for: a linear map, fitted to pairs of latents and pictures.
 *
 *     latent_colours map;
 *     LT_TRY(latent_colours_fit(latents, colours, cells, channels, &map, err));
 *     latent_colours_apply(&map, latent, cells, rgb);
 *
 * Least squares with a little weight on small factors, so that channels that say nothing about colour stay quiet.
 */
#ifndef TAKE_LATENT_COLOURS_H
#define TAKE_LATENT_COLOURS_H

#include <stdint.h>

#include "kernels/core/status.h"

enum { LATENT_COLOURS_MOST_CHANNELS = 64 };

/* rgb = factor * latent + the last column */
typedef struct {
    int channels;
    double factor[3][LATENT_COLOURS_MOST_CHANNELS + 1];
} latent_colours;

/* latents [channels, cells], colours [cells, 3] of 0 .. 255. LT_ERR_USAGE for more channels than there is room for. */
lt_status latent_colours_fit(const float *latents, const double *colours, int64_t cells, int channels,
                             latent_colours *out, lt_error *err);
/* latent [channels, cells] -> rgb u8 [cells, 3] */
void latent_colours_apply(const latent_colours *map, const float *latent, int64_t cells, uint8_t *rgb);

#endif
