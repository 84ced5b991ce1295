/* colour_map.c - squares of colour through the VAE; see colour_map.h. */
#include "pipeline/preview/colour_map.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/preview/colour_map_file.h"
#include "temporal_vae/vae_encoder.h"

/* Pictures to encode, of a size that does not depend on the model's: enough squares, and not more
 * work for larger models. */
enum {
    CELLS_DOWN = 16,
    CELLS_ACROSS = 24,
    CELLS = CELLS_DOWN * CELLS_ACROSS,
    PATCH_CELLS = 4,
    PICTURES = 8
};

/* A colour of patch (x, y) of a picture: any, but always the same. */
static uint8_t patch_colour(int picture, int y, int x, int channel)
{
    uint32_t h = (uint32_t)(((picture * 131 + y) * 131 + x) * 3 + channel) * 2654435761U;
    h ^= h >> 15;
    return (uint8_t)((h * 2246822519U) >> 24);
}

/* Squares of colour; a cell of the latent, `side` pixels wide, lies inside one. frame u8 [H, W, 3],
 * colours [CELLS, 3]. */
static void paint_patches(int picture, int side, uint8_t *frame, double *colours)
{
    for (int y = 0; y < CELLS_DOWN * side; y++)
        for (int x = 0; x < CELLS_ACROSS * side; x++)
            for (int c = 0; c < 3; c++) {
                const int cell_y = y / side;
                const int cell_x = x / side;
                const uint8_t v =
                    patch_colour(picture, cell_y / PATCH_CELLS, cell_x / PATCH_CELLS, c);
                frame[3 * (y * CELLS_ACROSS * side + x) + c] = v;
                colours[3 * (cell_y * CELLS_ACROSS + cell_x) + c] = v;
            }
}

/* Latents of all pictures, [C, PICTURES, CELLS], and their colours, [PICTURES, CELLS, 3]. */
static lt_status encode_patches(const cfg_model *cfg, const vae_model *vae, float *latents,
                                double *colours, lt_error *err)
{
    const int side = cfg->pipeline.width / cfg->mmdit.latent_width;
    const int channels = cfg->mmdit.latent_channels;
    float *one = malloc((size_t)channels * CELLS * sizeof *one); /* [C, CELLS] */
    uint8_t *frame = malloc((size_t)CELLS * (size_t)side * (size_t)side * 3);
    lt_status s = one && frame ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "preview: out of memory");
    for (int picture = 0; picture < PICTURES && s == LT_OK; picture++) {
        paint_patches(picture, side, frame, colours + 3 * (ptrdiff_t)picture * CELLS);
        s = vae_encode_rgb8(vae, frame, 1, (int64_t)CELLS_DOWN * side, (int64_t)CELLS_ACROSS * side,
                            one, err);
        for (int c = 0; c < channels && s == LT_OK; c++)
            memcpy(latents + (ptrdiff_t)(c * PICTURES + picture) * CELLS,
                   one + (ptrdiff_t)c * CELLS, CELLS * sizeof *one);
    }
    free(frame);
    free(one);
    return s;
}

/* The map of the VAE `weights`, in f32 on the processor, so that it is the same wherever a take is
 * made. LT_ERR_INPUT when none comes out. */
static lt_status fit_map(const cfg_model *cfg, lt_weights *weights, int threads,
                         latent_colours *out, lt_error *err)
{
    const int channels = cfg->mmdit.latent_channels;
    float *latents = malloc((size_t)channels * PICTURES * CELLS * sizeof *latents);
    double *colours = malloc((size_t)3 * PICTURES * CELLS * sizeof *colours);
    lt_backend *backend = NULL;
    vae_model *vae = NULL;
    lt_status s =
        latents && colours ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "preview: out of memory");
    if (s == LT_OK)
        s = lt_cpu_open(&backend, threads, LT_F32, err);
    if (s == LT_OK)
        s = vae_open(weights, &cfg->temporal_vae, backend, VAE_ENCODER, &vae, err);
    if (s == LT_OK)
        s = encode_patches(cfg, vae, latents, colours, err);
    if (s == LT_OK)
        s = latent_colours_fit(latents, colours, (int64_t)PICTURES * CELLS, channels, out, err);
    vae_close(vae);
    if (backend)
        backend->table->close(backend);
    free(latents);
    free(colours);
    return s;
}

lt_status take_colour_map_write(const cfg_model *cfg, lt_weights *weights, int threads,
                                const char *path, lt_error *err)
{
    latent_colours map;
    lt_hash of;
    LT_TRY(lt_weights_hash(weights, &of, err));
    LT_TRY(fit_map(cfg, weights, threads, &map, err));
    return colour_map_file_write(path, &map, of, err);
}

/* ---- of an engine ---- */

/* preview.safetensors of the model's folder; *missing says why there is none to use, or is NULL. */
static lt_status read_own(longtake *e, const char *path, latent_colours *out, const char **missing,
                          lt_error *err)
{
    lt_hash vae;
    bool fits = false;
    *missing = "is not there";
    if (access(path, F_OK) != 0)
        return LT_OK;
    LT_TRY(take_engine_hash(e, TAKE_NET_VAE, &vae, err));
    LT_TRY(colour_map_file_read(path, e->cfg.mmdit.latent_channels, vae, out, &fits, err));
    *missing = fits ? NULL : "is of another VAE";
    return LT_OK;
}

static lt_status fit_own(longtake *e, latent_colours *out, lt_error *err)
{
    lt_weights *weights = NULL;
    LT_TRY(take_engine_weights(e, TAKE_NET_VAE, &weights, err));
    const lt_status s = fit_map(&e->cfg, weights, e->threads, out, err);
    lt_weights_close(weights);
    return s;
}

/* From the job folder, else fitted and kept there. */
static lt_status find_fitted(longtake *e, take_job *job, const lt_warnings *notes, const char *path,
                             const char *missing, latent_colours *out, lt_error *err)
{
    bool found = false;
    take_key k;
    LT_TRY(take_key_of_stage(e, &k, "preview.000", TAKE_NET_VAE, err));
    const take_product product = {"preview", 0, take_key_end(&k)};
    LT_TRY(take_job_read(job, product, out, sizeof *out, &found, err));
    if (found)
        return LT_OK;
    lt_warn(
        notes,
        "preview: %s %s: the map to colours is fitted now ('longtake import --preview-map -m %s' keeps it)",
        path, missing, e->files.folder);
    LT_TRY(fit_own(e, out, err));
    return take_job_put(job, product, out, sizeof *out, err);
}

lt_status take_colour_map(longtake *e, take_job *job, const lt_warnings *notes, latent_colours *out,
                          lt_error *err)
{
    char *path = NULL;
    const char *missing = NULL;
    LT_TRY(take_engine_path(e, COLOUR_MAP_FILE, &path, err));
    lt_status s = read_own(e, path, out, &missing, err);
    if (s == LT_OK && missing)
        s = find_fitted(e, job, notes, path, missing, out, err);
    free(path);
    return s;
}

longtake_status longtake_write_preview_map(longtake *e, char **path, longtake_error *error)
{
    lt_error err = {0};
    char *file = NULL;
    lt_weights *weights = NULL;
    if (path)
        *path = NULL;
    if (take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_status s = take_engine_path(e, COLOUR_MAP_FILE, &file, &err);
    if (s == LT_OK)
        s = take_engine_weights(e, TAKE_NET_VAE, &weights, &err);
    if (s == LT_OK)
        s = take_colour_map_write(&e->cfg, weights, e->threads, file, &err);
    lt_weights_close(weights);
    take_engine_leave(e);
    if (path)
        *path = s == LT_OK ? file : NULL;
    if (!path || s != LT_OK)
        free(file);
    return take_give_error(s, &err, error);
}
