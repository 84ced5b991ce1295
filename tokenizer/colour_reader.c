/* colour_reader.c - see colour_reader.h. */
#include "tokenizer/colour_reader.h"

#include <stdlib.h>

#include "tokenizer/picture_weights.h"

lt_status tok_colour_reader_load(lt_weights *weights, const cfg_tokenizer *cfg,
                                 tok_colour_reader *out, lt_error *err)
{
    *out = (tok_colour_reader){
        .rows = cfg->grid_height, .columns = cfg->grid_width, .channels = cfg->feature_channels};
    LT_TRY(tok_picture_weights(weights, "pictures.colours.weight",
                               lt_shape2(3, cfg->feature_channels), &out->weight, err));
    return tok_picture_weights(weights, "pictures.colours.bias", lt_shape1(3), &out->bias, err);
}

void tok_colour_reader_clear(tok_colour_reader *r)
{
    free(r->weight);
    free(r->bias);
    *r = (tok_colour_reader){0};
}

static double shown_by(const tok_colour_reader *r, const float *features, int channel)
{
    double sum = (double)r->bias[channel];
    for (int i = 0; i < r->channels; i++)
        sum += (double)r->weight[channel * r->channels + i] * (double)features[i];
    return sum;
}

void tok_mean_colour(const uint8_t *corner, int height, int width, int row_pixels, double rgb[3])
{
    int64_t sum[3] = {0};
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                sum[c] += corner[3 * ((int64_t)y * row_pixels + x) + c];
    for (int c = 0; c < 3; c++)
        rgb[c] = (double)sum[c] / (127.5 * height * width) - 1;
}

double tok_colour_error(const tok_colour_reader *r, const float *features, const uint8_t *frame,
                        int height, int width)
{
    const int patch_height = height / r->rows;
    const int patch_width = width / r->columns;
    double error = 0;
    for (int y = 0; y < r->rows; y++)
        for (int x = 0; x < r->columns; x++) {
            double rgb[3];
            const float *patch = features + ((int64_t)y * r->columns + x) * r->channels;
            tok_mean_colour(frame +
                                3 * ((int64_t)y * patch_height * width + (int64_t)x * patch_width),
                            patch_height, patch_width, width, rgb);
            for (int c = 0; c < 3; c++) {
                const double off = shown_by(r, patch, c) - rgb[c];
                error += off * off;
            }
        }
    return error / (3.0 * r->rows * r->columns);
}
