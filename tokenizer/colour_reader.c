/* colour_reader.c - see colour_reader.h. */
#include "tokenizer/colour_reader.h"

#include <math.h>
#include <stdlib.h>

/* A tensor of that shape, all of whose values are numbers. */
static lt_status find(lt_weights *weights, const char *name, lt_shape want, const lt_tensor **out,
                      lt_error *err)
{
    char found[128];
    char expected[128];
    const lt_tensor *t = lt_weights_find(weights, name);
    lt_shape_text(want, expected, sizeof expected);
    if (!t || lt_is_none(t))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: found no tensor '%s', expected %s beside 'tokenizer.picture_codes'",
                       lt_weights_place(weights), name, expected);
    if (!lt_same_shape(lt_shape_of(t), want))
        return lt_fail(err, LT_ERR_INPUT, "%s: '%s' is %s, expected %s", lt_weights_place(weights),
                       name, lt_shape_text(lt_shape_of(t), found, sizeof found), expected);
    for (int64_t i = 0; i < lt_numel(t); i++)
        if (!isfinite(lt_load_element(t->data, t->dtype, i)))
            return lt_fail(err, LT_ERR_INPUT, "%s: '%s' has a value that is no number",
                           lt_weights_place(weights), name);
    *out = t;
    return LT_OK;
}

lt_status tok_colour_reader_load(lt_weights *weights, const cfg_tokenizer *cfg,
                                 tok_colour_reader *out, lt_error *err)
{
    const int64_t values = 3 * (int64_t)cfg->feature_channels;
    const lt_tensor *weight = NULL;
    const lt_tensor *bias = NULL;
    *out = (tok_colour_reader){
        .rows = cfg->grid_height, .columns = cfg->grid_width, .channels = cfg->feature_channels};
    LT_TRY(find(weights, "pictures.colours.weight", lt_shape2(3, cfg->feature_channels), &weight,
                err));
    LT_TRY(find(weights, "pictures.colours.bias", lt_shape1(3), &bias, err));
    out->weight = malloc((size_t)values * sizeof *out->weight);
    if (!out->weight)
        return lt_fail(err, LT_ERR_RESOURCES, "tokenizer: no memory for a map of %lld values",
                       (long long)values);
    for (int64_t i = 0; i < values; i++)
        out->weight[i] = (float)lt_load_element(weight->data, weight->dtype, i);
    for (int c = 0; c < 3; c++)
        out->bias[c] = (float)lt_load_element(bias->data, bias->dtype, c);
    return LT_OK;
}

void tok_colour_reader_clear(tok_colour_reader *r)
{
    free(r->weight);
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
