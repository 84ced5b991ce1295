/* colour_map_file.c - see colour_map_file.h. */
#include "pipeline/preview/colour_map_file.h"

#include <string.h>

#include "weights/finite.h"
#include "weights/weights.h"

lt_status colour_map_file_write(const char *path, const latent_colours *map, lt_hash vae,
                                lt_error *err)
{
    char hash[LT_HASH_TEXT_BYTES];
    float weight[3 * LATENT_COLOURS_MOST_CHANNELS]; /* [3, channels] */
    for (int c = 0; c < 3; c++)
        memcpy(weight + c * map->channels, map->weight[c], (size_t)map->channels * sizeof *weight);
    lt_hash_text(vae, hash);
    lt_writer *w = NULL;
    LT_TRY(lt_writer_open(path, &w, err));
    lt_writer_metadata(w, "format", COLOUR_MAP_FORMAT);
    lt_writer_metadata(w, "vae", hash);
    lt_writer_add(w, "weight", LT_F32, lt_shape2(3, map->channels), weight);
    lt_writer_add(w, "bias", LT_F32, lt_shape1(3), map->bias);
    return lt_writer_close(w, err);
}

/* The values of a tensor that must have that shape. */
static lt_status find(const lt_weights *w, const char *name, lt_shape shape, const float **values,
                      lt_error *err)
{
    char found[64];
    char expected[64];
    const lt_tensor *t = lt_weights_find(w, name);
    if (!t)
        return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s' is missing", lt_weights_place(w), name);
    if (t->dtype != LT_F32 || !lt_same_shape(lt_shape_of(t), shape))
        return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s' is %s %s, expected f32 %s",
                       lt_weights_place(w), name, lt_dtype_name(t->dtype),
                       lt_shape_text(lt_shape_of(t), found, sizeof found),
                       lt_shape_text(shape, expected, sizeof expected));
    const int64_t bad = lt_first_not_finite(t->data, LT_F32, lt_numel(t));
    if (bad >= 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s': value %lld is not finite",
                       lt_weights_place(w), name, (long long)bad);
    *values = t->data;
    return LT_OK;
}

static lt_status read_map(const lt_weights *w, int channels, lt_hash vae, latent_colours *out,
                          bool *fits, lt_error *err)
{
    char hash[LT_HASH_TEXT_BYTES];
    const float *weight = NULL;
    const float *bias = NULL;
    const char *format = lt_weights_metadata(w, "format");
    const char *of = lt_weights_metadata(w, "vae");
    if (!format || strcmp(format, COLOUR_MAP_FORMAT) != 0 || !of)
        return lt_fail(err, LT_ERR_INPUT, "%s: found no %s with the hash of its VAE, expected one",
                       lt_weights_place(w), COLOUR_MAP_FORMAT);
    lt_hash_text(vae, hash);
    if (strcmp(of, hash) != 0)
        return LT_OK;
    LT_TRY(find(w, "weight", lt_shape2(3, channels), &weight, err));
    LT_TRY(find(w, "bias", lt_shape1(3), &bias, err));
    out->channels = channels;
    memcpy(out->bias, bias, sizeof out->bias);
    for (int c = 0; c < 3; c++)
        memcpy(out->weight[c], weight + c * channels, (size_t)channels * sizeof *weight);
    *fits = true;
    return LT_OK;
}

lt_status colour_map_file_read(const char *path, int channels, lt_hash vae, latent_colours *out,
                               bool *fits, lt_error *err)
{
    lt_weights *w = NULL;
    *out = (latent_colours){0};
    *fits = false;
    LT_TRY(latent_colours_check(channels, err));
    LT_TRY(lt_weights_open(path, &w, err));
    const lt_status s = read_map(w, channels, vae, out, fits, err);
    lt_weights_close(w);
    return s;
}
