/* colour_reader.h - which colours a scene's features show, roughly: a linear map, to see whether
 * codes tell what a frame shows.
 *
 *     tok_colour_reader reader;
 *     LT_TRY(tok_colour_reader_load(weights, cfg, &reader, err));
 *     const double error = tok_colour_error(&reader, features, rgb, height, width);
 */
#ifndef TOK_COLOUR_READER_H
#define TOK_COLOUR_READER_H

#include <stdint.h>

#include "configs/tokenizer_config.h"
#include "weights/weights.h"

typedef struct {
    int rows; /* of the grid */
    int columns;
    int channels;  /* of features */
    float *weight; /* [3, channels] */
    float *bias;   /* [3] */
} tok_colour_reader;

/* `pictures.colours.weight` [3, feature_channels] and `.bias` [3]. LT_ERR_INPUT where they are
 * missing or of other sizes. */
lt_status tok_colour_reader_load(lt_weights *weights, const cfg_tokenizer *cfg,
                                 tok_colour_reader *out, lt_error *err);
void tok_colour_reader_clear(tok_colour_reader *r); /* accepts a zeroed one */
/* Mean squared difference of the mean colours of the grid's patches, features [rows, columns,
 * channels] against frame u8 [height, width, 3] of at least a pixel each; pixels are -1 .. 1. */
double tok_colour_error(const tok_colour_reader *r, const float *features, const uint8_t *frame,
                        int height, int width);

/* Mean colour of height x width pixels of a frame whose rows have row_pixels,
 * from `corner` on, in -1 .. 1. */
void tok_mean_colour(const uint8_t *corner, int height, int width, int row_pixels, double rgb[3]);

#endif
