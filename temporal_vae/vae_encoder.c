/* vae_encoder.c - see vae_encoder.h. */
#include "temporal_vae/vae_encoder.h"

#include <math.h>
#include <stdlib.h>

#include "temporal_vae/frame_layers.h"
#include "temporal_vae/vae_network.h"

typedef struct {
    const vae_model *model;
    const float *frames; /* [T, H, W, channels] */
    int64_t T;
    int64_t H;
    int64_t W;
    float *mean;         /* [T', C, h, w] */
    float *log_variance; /* the same, or NULL */
} encode_call;

/* Mean of neighbouring frames; where the count is odd the first one stays alone. */
static void halve_time(vae_flow *f)
{
    if (f->pace == VAE_FRAME_BY_FRAME) {
        vae_frames_halve_time(f);
        return;
    }
    const lt_tensor x = f->x; /* [T, H, W, C] */
    const int64_t T = x.dim[0];
    if (T == 1)
        return;
    const int64_t alone = T % 2;
    const int64_t pairs = T / 2;
    const lt_tensor out =
        vae_flow_tensor(f, 1, lt_shape4(vae_half_time(T), x.dim[1], x.dim[2], x.dim[3]));
    if (alone)
        lt_copy_into(f->ops, lt_slice(out, 0, 0, 1), lt_slice(x, 0, 0, 1));
    lt_axpby_into(f->ops, lt_slice(out, 0, alone, pairs), 0.5f, lt_every(x, 0, alone, 2, pairs),
                  0.5f, lt_every(x, 0, alone + 1, 2, pairs));
    vae_flow_advance(f, 1, out);
}

/* 3x3 with stride 2 and one row and column of zeros at the bottom and the right only. */
static void halve_space(vae_flow *f, const vae_level *l)
{
    if (f->pace == VAE_FRAME_BY_FRAME) {
        vae_frames_halve_space(f, &l->resample, &l->resample_bias);
        return;
    }
    const lt_tensor x = f->x;
    const lt_tensor out =
        vae_flow_tensor(f, 1, lt_shape4(x.dim[0], x.dim[1] / 2, x.dim[2] / 2, x.dim[3]));
    const lt_conv_args args = {.stride = 2, .pad_bottom = 1, .pad_right = 1};
    lt_conv_into(f->ops, out, x, &l->resample, &l->resample_bias, &args);
    vae_flow_advance(f, 1, out);
}

/* Channels `first` .. `first` + C - 1 of the encoder's result, as
 * packed [T', C, h, w] on the host. */
static void hand_out(lt_ops *o, lt_tensor moments, int64_t first, int64_t C, float *host)
{
    const int order[] = {0, 3, 1, 2};
    const lt_tensor part = lt_permute(lt_slice(moments, 3, first, C), order);
    lt_download(o, host, lt_cast(o, part, LT_F32));
}

static lt_status encode_pass(lt_ops *o, void *user)
{
    const encode_call *call = user;
    const cfg_vae *cfg = &call->model->cfg;
    const vae_half *net = &call->model->encoder;
    const lt_shape pixels = lt_shape4(call->T, call->H, call->W, cfg->in_channels);

    vae_flow f =
        vae_flow_start(o, call->model->pace, vae_encoder_elements(cfg, call->T, call->H, call->W));
    f.groups = cfg->groups;
    const lt_mark mark = lt_ops_mark(o);
    /* [T, H, W, 3] */
    const lt_tensor frames = lt_cast(o, lt_from_host(o, call->frames, LT_F32, pixels), o->dtype);
    f.x = vae_flow_tensor(&f, 0, lt_shape4(call->T, call->H, call->W, cfg->base_width));
    vae_conv_into(&f, f.x, frames, &net->conv_in, lt_none());
    lt_ops_rewind(o, mark);
    for (int level = 0; level < cfg->multiplier_count; level++) {
        for (int i = 0; i < net->block_count; i++)
            vae_block_run(&f, &net->level[level].block[i]);
        if (vae_encoder_halves_time(cfg, level))
            halve_time(&f);
        if (vae_encoder_halves_space(cfg, level))
            halve_space(&f, &net->level[level]);
    }
    for (int i = 0; i < VAE_MID_BLOCKS; i++)
        vae_block_run(&f, &net->mid[i]);

    const lt_shape small = lt_shape_of(&f.x); /* [T', h, w, C] */
    const lt_tensor moments = lt_new(
        o, o->dtype, lt_shape4(small.dim[0], small.dim[1], small.dim[2], 2 * cfg->latent_channels));
    if (f.pace == VAE_FRAME_BY_FRAME) {
        vae_norm_conv_into(&f, moments, f.x, &net->norm_out, &net->conv_out);
    } else {
        const lt_tensor normed = vae_flow_tensor(&f, 1, small);
        vae_norm_into(&f, normed, f.x, &net->norm_out);
        vae_conv_into(&f, moments, normed, &net->conv_out, lt_none());
    }
    hand_out(o, moments, 0, cfg->latent_channels, call->mean);
    if (call->log_variance)
        hand_out(o, moments, cfg->latent_channels, cfg->latent_channels, call->log_variance);
    return lt_ops_status(o);
}

static int64_t latent_values(const cfg_vae *cfg, int64_t T, int64_t H, int64_t W)
{
    const int factor = vae_space_factor(cfg);
    return vae_latent_count(cfg, T) * cfg->latent_channels * (H / factor) * (W / factor);
}

static lt_status check_clip(const vae_model *m, int64_t T, int64_t H, int64_t W, lt_error *err)
{
    const int least = vae_space_factor(&m->cfg);
    if (T < 1 || T > VAE_MAX_FRAMES || H < least || H > VAE_MAX_SIDE || W < least ||
        W > VAE_MAX_SIDE)
        return lt_fail(
            err, LT_ERR_USAGE,
            "VAE encoder: %lld frames of %lldx%lld pixels, expected 1 to %d of %dx%d to %dx%d",
            (long long)T, (long long)W, (long long)H, VAE_MAX_FRAMES, least, least, VAE_MAX_SIDE,
            VAE_MAX_SIDE);
    return LT_OK;
}

lt_status vae_encode(const vae_model *m, const float *frames, int64_t T, int64_t H, int64_t W,
                     float *mean, float *log_variance, lt_error *err)
{
    LT_TRY(check_clip(m, T, H, W, err));
    encode_call call = {m, frames, T, H, W, mean, log_variance};
    lt_ops ops;
    lt_ops_open(&ops, m->backend);
    const lt_status s = lt_ops_run(&ops, encode_pass, &call, err);
    lt_ops_close(&ops);
    if (s != LT_OK || !log_variance)
        return s;
    const int64_t count = latent_values(&m->cfg, T, H, W);
    for (int64_t i = 0; i < count; i++)
        log_variance[i] = fminf(fmaxf(log_variance[i], -30.0f), 20.0f);
    return LT_OK;
}

lt_status vae_encode_rgb8(const vae_model *m, const uint8_t *frames, int64_t T, int64_t H,
                          int64_t W, float *latents, lt_error *err)
{
    LT_TRY(check_clip(m, T, H, W, err));
    const int64_t values = T * H * W * m->cfg.in_channels;
    float *pixels = malloc(sizeof *pixels * (size_t)values);
    if (!pixels)
        return lt_fail(err, LT_ERR_RESOURCES,
                       "VAE encoder: no memory for %lld frames of %lldx%lld pixels", (long long)T,
                       (long long)W, (long long)H);
    for (int64_t i = 0; i < values; i++)
        pixels[i] = 2.0f * ((float)frames[i] / 255.0f) - 1.0f;
    const lt_status s = vae_encode(m, pixels, T, H, W, latents, NULL, err);
    free(pixels);
    LT_TRY(s);

    const float scale = (float)m->cfg.scale_factor;
    const int64_t count = latent_values(&m->cfg, T, H, W);
    for (int64_t i = 0; i < count; i++)
        latents[i] *= scale;
    return LT_OK;
}
