/* vae_model.c - binds the release's tensor names. */
#include "temporal_vae/vae_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "temporal_vae/vae_network.h"

enum { NAME_BYTES = 96 };

static lt_status make_levels(vae_half *half, int levels, int blocks, lt_error *err)
{
    half->block_count = blocks;
    for (int level = 0; level < levels; level++) {
        half->level[level].block = calloc((size_t)blocks, sizeof(vae_block));
        if (!half->level[level].block)
            return lt_fail(err, LT_ERR_RESOURCES, "temporal_vae: no memory for %d blocks", blocks);
    }
    return LT_OK;
}

static void bind_resample(lt_binder *b, vae_level *l, int channels, const char *name)
{
    lt_bind(b, &l->resample, LT_ROLE_CONV, lt_shape4(channels, channels, 3, 3), "%s.conv.weight",
            name);
    lt_bind(b, &l->resample_bias, LT_ROLE_VECTOR, lt_shape1(channels), "%s.conv.bias", name);
}

/* The blocks of level `level`; returns their output width. `layer` counts the causal convolutions
 * passed so far. */
static int bind_level(lt_binder *b, vae_half *half, const cfg_vae *cfg, int level, int channels,
                      int latent_channels, int *layer, const char *side)
{
    char name[NAME_BYTES];
    for (int i = 0; i < half->block_count; i++) {
        snprintf(name, sizeof name, "%s.%d.block.%d", side, level, i);
        vae_block_bind(b, &half->level[level].block[i], channels, vae_width(cfg, level),
                       latent_channels, *layer, name);
        channels = vae_width(cfg, level);
        *layer += 2;
    }
    return channels;
}

static void bind_mid(lt_binder *b, vae_half *half, int channels, int latent_channels, int *layer,
                     const char *side)
{
    char name[NAME_BYTES];
    for (int i = 0; i < VAE_MID_BLOCKS; i++) {
        snprintf(name, sizeof name, "%s.mid.block_%d", side, i + 1);
        vae_block_bind(b, &half->mid[i], channels, channels, latent_channels, *layer, name);
        *layer += 2;
    }
}

static void bind_encoder(lt_binder *b, vae_half *half, const cfg_vae *cfg)
{
    char name[NAME_BYTES];
    int layer = 0;
    int channels = cfg->base_width;
    vae_conv_bind(b, &half->conv_in, cfg->in_channels, channels, layer++, "encoder.conv_in");
    for (int level = 0; level < cfg->multiplier_count; level++) {
        channels = bind_level(b, half, cfg, level, channels, 0, &layer, "encoder.down");
        if (!vae_encoder_halves_space(cfg, level))
            continue;
        snprintf(name, sizeof name, "encoder.down.%d.downsample", level);
        bind_resample(b, &half->level[level], channels, name);
    }
    bind_mid(b, half, channels, 0, &layer, "encoder");
    vae_norm_bind(b, &half->norm_out, channels, 0, "encoder.norm_out");
    vae_conv_bind(b, &half->conv_out, channels, 2 * cfg->latent_channels, layer,
                  "encoder.conv_out");
}

static void bind_decoder(lt_binder *b, vae_half *half, const cfg_vae *cfg)
{
    char name[NAME_BYTES];
    const int latents = cfg->latent_channels;
    int layer = 0;
    int channels = vae_width(cfg, cfg->multiplier_count - 1);
    vae_conv_bind(b, &half->conv_in, latents, channels, layer++, "decoder.conv_in");
    bind_mid(b, half, channels, latents, &layer, "decoder");
    for (int level = cfg->multiplier_count - 1; level >= 0; level--) {
        channels = bind_level(b, half, cfg, level, channels, latents, &layer, "decoder.up");
        if (!vae_decoder_doubles_space(cfg, level))
            continue;
        snprintf(name, sizeof name, "decoder.up.%d.upsample", level);
        bind_resample(b, &half->level[level], channels, name);
    }
    vae_norm_bind(b, &half->norm_out, channels, latents, "decoder.norm_out");
    vae_conv_bind(b, &half->conv_out, channels, cfg->in_channels, layer, "decoder.conv_out");
}

lt_status vae_open(lt_weights *weights, const cfg_vae *cfg, lt_backend *backend, unsigned what,
                   vae_model **out, lt_error *err)
{
    *out = NULL;
    vae_model *m = calloc(1, sizeof *m);
    if (!m)
        return lt_fail(err, LT_ERR_RESOURCES, "temporal_vae: no memory for its layers");
    m->cfg = *cfg;
    m->backend = backend;
    m->pace = what & VAE_SPARE_MEMORY ? VAE_FRAME_BY_FRAME : VAE_WHOLE_CALLS;
    lt_status s = LT_OK;
    if (what & VAE_ENCODER)
        s = make_levels(&m->encoder, cfg->multiplier_count, cfg->encoder_blocks, err);
    if (s == LT_OK && (what & VAE_DECODER))
        s = make_levels(&m->decoder, cfg->multiplier_count, cfg->decoder_blocks, err);
    if (s == LT_OK) {
        lt_binder *b = lt_binder_open(weights, backend);
        if (what & VAE_ENCODER)
            bind_encoder(b, &m->encoder, cfg);
        if (what & VAE_DECODER)
            bind_decoder(b, &m->decoder, cfg);
        s = lt_binder_close(b, &m->set, err);
    }
    if (s != LT_OK) {
        vae_close(m);
        return s;
    }
    *out = m;
    return LT_OK;
}

static void free_levels(vae_half *half)
{
    for (int level = 0; level < CFG_VAE_MAX_LEVELS; level++)
        free(half->level[level].block);
}

void vae_close(vae_model *m)
{
    if (!m)
        return;
    lt_weight_set_close(m->set);
    free_levels(&m->encoder);
    free_levels(&m->decoder);
    free(m);
}

const cfg_vae *vae_config(const vae_model *m)
{
    return &m->cfg;
}
