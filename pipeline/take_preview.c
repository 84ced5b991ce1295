/* take_preview.c - previews of windows; see take_preview.h. */
#include "pipeline/take_preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "media/video_file.h"
#include "media/window_encoder.h"
#include "temporal_vae/vae_encoder.h"

enum { PATCH_CELLS = 4, PICTURES = 8, PATH_BYTES = 4096 };

static bool is_file(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".mp4") == 0;
}

lt_status take_preview_check(const longtake_request *r, lt_error *err)
{
    struct stat st;
    if (!r->preview || is_file(r->preview) || (stat(r->preview, &st) == 0 && S_ISDIR(st.st_mode)))
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "--preview: found %s, expected an .mp4 file, or a folder that is there",
                   r->preview);
}

/* ---- the map ---- */

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
static lt_status encode_patches(take_preview *p, const vae_model *vae, float *latents, double *colours,
                                lt_error *err)
{
    const cfg_model *cfg = &p->run->engine->cfg;
    const int64_t cells = (int64_t)cfg->mmdit.latent_height * cfg->mmdit.latent_width;
    const int channels = cfg->mmdit.latent_channels;
    float *one = malloc((size_t)(channels * cells) * sizeof *one); /* [C, cells] */
    lt_status s = one ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "preview: out of memory");
    for (int picture = 0; picture < PICTURES && s == LT_OK; picture++) {
        paint_patches(cfg, picture, p->frame, colours + 3 * picture * cells);
        s = vae_encode_rgb8(vae, p->frame, 1, cfg->pipeline.height, cfg->pipeline.width, one, err);
        for (int c = 0; c < channels && s == LT_OK; c++)
            memcpy(latents + (c * PICTURES + picture) * cells, one + c * cells, (size_t)cells * sizeof *one);
    }
    free(one);
    return s;
}

static lt_status fit_map(take_preview *p, lt_error *err)
{
    longtake *e = p->run->engine;
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
        s = encode_patches(p, vae, latents, colours, err);
    if (s == LT_OK)
        s = latent_colours_fit(latents, colours, cells, cfg->latent_channels, &p->map, err);
    vae_close(vae);
    lt_weights_close(weights);
    free(latents);
    free(colours);
    return s;
}

static lt_status find_or_fit(take_preview *p, lt_error *err)
{
    static const char name[] = "preview.000";
    void *data = NULL;
    size_t bytes = 0;
    bool found = false;
    take_key k;
    LT_TRY(take_key_of_stage(p->run, &k, name, TAKE_NET_VAE, err));
    LT_TRY(take_job_get(p->run->job, name, take_key_end(&k), &data, &bytes, &found, err));
    found = found && bytes == sizeof p->map;
    if (found)
        memcpy(&p->map, data, sizeof p->map);
    free(data);
    if (found)
        return LT_OK;
    LT_TRY(fit_map(p, err));
    return take_job_put(p->run->job, name, take_key_end(&k), &p->map, sizeof p->map, err);
}

lt_status take_preview_open(take_preview *p, take_run *run, lt_error *err)
{
    const cfg_model *cfg = &run->engine->cfg;
    *p = (take_preview){.run = run,
                        .cells =
                            malloc((size_t)cfg->mmdit.latent_height * (size_t)cfg->mmdit.latent_width * 3),
                        .frame = malloc((size_t)cfg->pipeline.height * (size_t)cfg->pipeline.width * 3)};
    if (!p->cells || !p->frame)
        return lt_fail(err, LT_ERR_RESOURCES, "preview: out of memory");
    return find_or_fit(p, err);
}

void take_preview_close(take_preview *p)
{
    free(p->cells);
    free(p->frame);
    *p = (take_preview){0};
}

/* ---- pictures ---- */

/* One latent as squares of colour. */
static void paint_latent(take_preview *p, const float *latent)
{
    const cfg_model *cfg = &p->run->engine->cfg;
    const int w = cfg->mmdit.latent_width;
    const int h = cfg->mmdit.latent_height;
    const int width = cfg->pipeline.width;
    latent_colours_apply(&p->map, latent, (int64_t)h * w, p->cells);
    for (int y = 0; y < cfg->pipeline.height; y++)
        for (int x = 0; x < width; x++)
            memcpy(p->frame + 3 * (y * width + x),
                   p->cells + 3 * ((y * h / cfg->pipeline.height) * w + x * w / width), 3);
}

static lt_status write_blob(take_run *run, int64_t c, const void *blob, size_t bytes, lt_error *err)
{
    const char *preview = run->request->preview;
    char path[PATH_BYTES];
    const int n = is_file(preview)
                      ? snprintf(path, sizeof path, "%s", preview)
                      : snprintf(path, sizeof path, "%s/window-%03lld.mp4", preview, (long long)c);
    if (n >= PATH_BYTES)
        return lt_fail(err, LT_ERR_USAGE, "--preview: the name is longer than %d bytes", PATH_BYTES - 1);
    const media_target target = {.kind = MEDIA_FINISHED, .path = path};
    media_file *file = NULL;
    LT_TRY(media_file_open(&target, &file, err));
    const lt_status s = media_file_add(file, blob, bytes, err);
    if (s != LT_OK) {
        media_file_abandon(file);
        return s;
    }
    LT_TRY(media_file_close(file, err));
    take_clock_tell(&run->clock, LONGTAKE_EVENT_PREVIEW, path);
    return LT_OK;
}

lt_status take_preview_show(take_preview *p, int64_t c, const float *latents, int count, lt_error *err)
{
    const cfg_model *cfg = &p->run->engine->cfg;
    const int64_t values =
        (int64_t)cfg->mmdit.latent_channels * cfg->mmdit.latent_height * cfg->mmdit.latent_width;
    const media_spec spec = {.format = MEDIA_MP4,
                             .width = cfg->pipeline.width,
                             .height = cfg->pipeline.height,
                             .scale = 1,
                             .fps = p->run->spec.fps / TAKE_FRAMES_PER_LATENT};
    media_encoder *e = NULL;
    void *blob = NULL;
    size_t bytes = 0;
    LT_TRY(media_encoder_open(&spec, &e, err));
    for (int i = 0; i < count; i++) {
        paint_latent(p, latents + i * values);
        const lt_status s = media_encoder_add(e, p->frame, err);
        if (s != LT_OK) {
            media_encoder_close(e);
            return s;
        }
    }
    LT_TRY(media_encoder_finish(e, &blob, &bytes, err));
    const lt_status s = write_blob(p->run, c, blob, bytes, err);
    free(blob);
    return s;
}

lt_status take_preview_replace(take_run *run, int64_t c, const void *blob, size_t bytes, lt_error *err)
{
    return run->request->preview && blob ? write_blob(run, c, blob, bytes, err) : LT_OK;
}
