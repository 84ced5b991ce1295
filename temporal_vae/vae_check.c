/* vae_check.c - see vae_check.h. The files hold [1, C, T, H, W] as the official code does. */
#include "temporal_vae/vae_check.h"

#include <stdlib.h>
#include <string.h>

#include "configs/model_config.h"
#include "temporal_vae/vae_decoder.h"
#include "temporal_vae/vae_encoder.h"

/* [a, b, inner] -> [b, a, inner] */
static void swap_outer(float *out, const float *in, int64_t a, int64_t b, int64_t inner)
{
    for (int64_t i = 0; i < a; i++)
        for (int64_t j = 0; j < b; j++)
            memcpy(out + (j * a + i) * inner, in + (i * b + j) * inner, sizeof *in * (size_t)inner);
}

static float *new_floats(int64_t count, lt_status *s, lt_error *err)
{
    float *memory = *s == LT_OK ? malloc(sizeof *memory * (size_t)count) : NULL;
    if (*s == LT_OK && !memory)
        *s = lt_fail(err, LT_ERR_RESOURCES, "VAE check: no memory for %lld values",
                     (long long)count);
    return memory;
}

/* Takes latents [T', C, h, w], reports them as [1, C, T', h, w]. */
static lt_status report_latents(lt_golden *g, const char *name, const float *latents,
                                lt_shape shape, lt_error *err)
{
    const int64_t C = shape.dim[1];
    const int64_t T = shape.dim[2];
    const int64_t plane = shape.dim[3] * shape.dim[4];
    lt_status s = LT_OK;
    float *official = new_floats(C * T * plane, &s, err);
    if (s == LT_OK) {
        swap_outer(official, latents, T, C, plane);
        s = lt_golden_report(g, name, LT_F32, shape, official, err);
    }
    free(official);
    return s;
}

static lt_status check_encode(lt_golden *g, const vae_model *m, const float *video, lt_shape shape,
                              lt_error *err)
{
    const cfg_vae *cfg = vae_config(m);
    const int64_t T = shape.dim[2];
    const int64_t H = shape.dim[3];
    const int64_t W = shape.dim[4];
    const int64_t pixels = T * H * W;
    const int64_t factor = vae_space_factor(cfg);
    const lt_shape small =
        lt_shape5(1, cfg->latent_channels, vae_latent_count(cfg, T), H / factor, W / factor);
    const int64_t values = small.dim[1] * small.dim[2] * small.dim[3] * small.dim[4];

    lt_status s = LT_OK;
    float *frames = new_floats(pixels * cfg->in_channels, &s, err); /* [T, H, W, 3] */
    float *mean = new_floats(values, &s, err);                      /* [T', C, h, w] */
    float *log_variance = new_floats(values, &s, err);
    if (s == LT_OK) {
        swap_outer(frames, video, cfg->in_channels, pixels, 1);
        s = vae_encode(m, frames, T, H, W, mean, log_variance, err);
    }
    if (s == LT_OK)
        s = report_latents(g, "mean", mean, small, err);
    if (s == LT_OK)
        s = report_latents(g, "logvar", log_variance, small, err);
    free(frames);
    free(mean);
    free(log_variance);
    return s;
}

static lt_status check_decode(lt_golden *g, const vae_model *m, const float *latent, lt_shape shape,
                              lt_error *err)
{
    const cfg_vae *cfg = vae_config(m);
    const int64_t L = shape.dim[2];
    const int64_t h = shape.dim[3];
    const int64_t w = shape.dim[4];
    vae_decoder *d = NULL;
    LT_TRY(vae_decoder_open(m, h, w, &d, err));

    const int64_t factor = vae_space_factor(cfg);
    const lt_shape large =
        lt_shape5(1, cfg->in_channels, vae_frame_count(cfg, L), h * factor, w * factor);
    const int64_t pixels = large.dim[2] * large.dim[3] * large.dim[4];
    lt_status s = LT_OK;
    float *latents = new_floats(L * cfg->latent_channels * h * w, &s, err); /* [L, C, h, w] */
    float *frames = new_floats(pixels * cfg->in_channels, &s, err);         /* [T, H, W, 3] */
    float *official = new_floats(pixels * cfg->in_channels, &s, err);       /* [1, 3, T, H, W] */
    if (s == LT_OK) {
        swap_outer(latents, latent, cfg->latent_channels, L, h * w);
        s = vae_decode(d, latents, L, NULL, frames, err);
    }
    if (s == LT_OK) {
        swap_outer(official, frames, pixels, cfg->in_channels, 1);
        s = lt_golden_report(g, "frames", LT_F32, large, official, err);
    }
    free(latents);
    free(frames);
    free(official);
    vae_decoder_close(d);
    return s;
}

/* Golden inputs have batch 1 and the channels of the config; sizes are
 * checked by the stage itself. */
static lt_status check_shape(const lt_golden *g, const char *name, lt_shape shape, int channels,
                             lt_error *err)
{
    char text[64];
    if (shape.dim[0] != 1 || shape.dim[1] != channels)
        return lt_fail(err, LT_ERR_INPUT, "%s: in.%s is %s, expected [1, %d, T, H, W]",
                       lt_golden_place(g), name, lt_shape_text(shape, text, sizeof text), channels);
    return LT_OK;
}

lt_status vae_check(lt_golden *g, lt_backend *backend, lt_error *err)
{
    const bool encodes = strcmp(lt_golden_component(g), "vae.encode") == 0;
    if (!encodes && strcmp(lt_golden_component(g), "vae.decode") != 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: component %s is not one of vae.encode, vae.decode",
                       lt_golden_place(g), lt_golden_component(g));
    static const char *const keys[] = {"in_channels", "latent_channels", "base_width",
                                       "multipliers", "encoder_blocks",  "decoder_blocks",
                                       "groups",      "scale_factor",    NULL};
    cfg_vae cfg = {0};
    LT_TRY(lt_golden_needs(g, keys, err));
    LT_TRY(cfg_vae_from_json(lt_golden_config(g), lt_golden_place(g), NULL, &cfg, err));

    const char *name = encodes ? "frames" : "latent";
    float *input = NULL;
    lt_shape shape;
    vae_model *m = NULL;
    lt_status s = lt_golden_input_f32(g, name, 5, &input, &shape, err);
    if (s == LT_OK)
        s = check_shape(g, name, shape, encodes ? cfg.in_channels : cfg.latent_channels, err);
    if (s == LT_OK)
        s = vae_open(lt_golden_weights(g), &cfg, backend, encodes ? VAE_ENCODER : VAE_DECODER, &m,
                     err);
    if (s == LT_OK)
        s = encodes ? check_encode(g, m, input, shape, err) : check_decode(g, m, input, shape, err);
    vae_close(m);
    free(input);
    return s;
}
