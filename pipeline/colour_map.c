/* colour_map.c - squares of colour through the VAE; see colour_map.h. */
#include "pipeline/colour_map.h"

#include <stdlib.h>
#include <string.h>

#include "temporal_vae/vae_encoder.h"

enum { PATCH_CELLS = 4, PICTURES = 8 };

/* A colour of patch (x, y) of a picture: any, but always the same. */
static uint8_t patch_colour(int picture, int y, int x, int channel)
{
    uint32_t h = (uint32_t)(((picture * 131 + y) * 131 + x) * 3 + channel) * 2654435761U;
    h ^= h >> 15;
    return (uint8_t)((h * 2246822519U) >> 24);
}

/* Squares of colour; a cell of the latent lies inside one. frame u8 [H, W, 3], colours [cells, 3]. */
static void paint_patches(const cfg_model *cfg, int picture, uint8_t *frame, double *colours)
{
    const int w = cfg->mmdit.latent_width;
    const int side = cfg->pipeline.width / w;
    for (int y = 0; y < cfg->pipeline.height; y++)
        for (int x = 0; x < cfg->pipeline.width; x++)
            for (int c = 0; c < 3; c++) {
                const int cell_y = y / side;
                const int cell_x = x / side;
                const uint8_t v = patch_colour(picture, cell_y / PATCH_CELLS, cell_x / PATCH_CELLS, c);
                frame[3 * (y * cfg->pipeline.width + x) + c] = v;
                if (cell_y < cfg->mmdit.latent_height && cell_x < w)
                    colours[3 * (cell_y * w + cell_x) + c] = v;
            }
}

/* Latents of all pictures, [C, PICTURES, cells], and their colours, [PICTURES, cells, 3]. */
static lt_status encode_patches(const cfg_model *cfg, const vae_model *vae, float *latents, double *colours,
                                lt_error *err)
{
    const int64_t cells = (int64_t)cfg->mmdit.latent_height * cfg->mmdit.latent_width;
    const int channels = cfg->mmdit.latent_channels;
    float *one = malloc((size_t)(channels * cells) * sizeof *one); /* [C, cells] */
    uint8_t *frame = malloc((size_t)cfg->pipeline.height * (size_t)cfg->pipeline.width * 3);
    lt_status s = one && frame ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "preview: out of memory");
    for (int picture = 0; picture < PICTURES && s == LT_OK; picture++) {
        paint_patches(cfg, picture, frame, colours + 3 * picture * cells);
        s = vae_encode_rgb8(vae, frame, 1, cfg->pipeline.height, cfg->pipeline.width, one, err);
        for (int c = 0; c < channels && s == LT_OK; c++)
            memcpy(latents + (c * PICTURES + picture) * cells, one + c * cells, (size_t)cells * sizeof *one);
    }
    free(frame);
    free(one);
    return s;
}

static lt_status fit_map(longtake *e, latent_colours *out, lt_error *err)
{
    const cfg_mmdit *cfg = &e->cfg.mmdit;
    const int64_t cells = (int64_t)PICTURES * cfg->latent_height * cfg->latent_width;
    float *latents = malloc((size_t)(cells * cfg->latent_channels) * sizeof *latents);
    double *colours = malloc((size_t)(3 * cells) * sizeof *colours);
    lt_weights *weights = NULL;
    vae_model *vae = NULL;
    lt_status s = latents && colours ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "preview: out of memory");
    if (s == LT_OK)
        s = take_engine_weights(e, TAKE_NET_VAE, &weights, err);
    if (s == LT_OK)
        s = vae_open(weights, &e->cfg.temporal_vae, e->backend, VAE_ENCODER, &vae, err);
    if (s == LT_OK)
        s = encode_patches(&e->cfg, vae, latents, colours, err);
    if (s == LT_OK)
        s = latent_colours_fit(latents, colours, cells, cfg->latent_channels, out, err);
    vae_close(vae);
    lt_weights_close(weights);
    free(latents);
    free(colours);
    return s;
}

lt_status take_colour_map(longtake *e, take_job *job, latent_colours *out, lt_error *err)
{
    static const char name[] = "preview.000";
    void *data = NULL;
    size_t bytes = 0;
    bool found = false;
    take_key k;
    LT_TRY(take_key_of_stage(e, &k, name, TAKE_NET_VAE, err));
    LT_TRY(take_job_get(job, name, take_key_end(&k), &data, &bytes, &found, err));
    found = found && bytes == sizeof *out;
    if (found)
        memcpy(out, data, sizeof *out);
    free(data);
    if (found)
        return LT_OK;
    LT_TRY(fit_map(e, out, err));
    return take_job_put(job, name, take_key_end(&k), out, sizeof *out, err);
}
