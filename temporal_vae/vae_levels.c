/* vae_levels.c - see vae_levels.h. */
#include "temporal_vae/vae_levels.h"

enum { TIME_STEPS = 2 }; /* levels that change the frame count, on either side */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int vae_width(const cfg_vae *cfg, int level)
{
    return cfg->base_width * cfg->multipliers[level];
}

bool vae_encoder_halves_space(const cfg_vae *cfg, int level)
{
    return level < cfg->multiplier_count - 1;
}

bool vae_encoder_halves_time(const cfg_vae *cfg, int level)
{
    return vae_encoder_halves_space(cfg, level) && level < TIME_STEPS;
}

bool vae_decoder_doubles_space(const cfg_vae *cfg, int level)
{
    (void)cfg;
    return level > 0;
}

bool vae_decoder_doubles_time(const cfg_vae *cfg, int level)
{
    return vae_decoder_doubles_space(cfg, level) && level >= cfg->multiplier_count - TIME_STEPS;
}

int64_t vae_half_time(int64_t frames)
{
    return (frames + 1) / 2;
}

int64_t vae_double_time(int64_t frames)
{
    return frames % 2 == 1 ? 2 * frames - 1 : 2 * frames;
}

int vae_space_factor(const cfg_vae *cfg)
{
    return 1 << (cfg->multiplier_count - 1);
}

int vae_time_factor(const cfg_vae *cfg)
{
    const int steps = cfg->multiplier_count - 1;
    return 1 << (steps < TIME_STEPS ? steps : TIME_STEPS);
}

int64_t vae_latent_count(const cfg_vae *cfg, int64_t frames)
{
    for (int level = 0; level < cfg->multiplier_count; level++)
        if (vae_encoder_halves_time(cfg, level))
            frames = vae_half_time(frames);
    return frames;
}

int64_t vae_frame_count(const cfg_vae *cfg, int64_t latents)
{
    return 1 + (latents - 1) * vae_time_factor(cfg);
}

int64_t vae_encoder_elements(const cfg_vae *cfg, int64_t T, int64_t H, int64_t W)
{
    int64_t most = T * H * W * larger(cfg->in_channels, cfg->base_width);
    int64_t channels = cfg->base_width;
    for (int level = 0; level < cfg->multiplier_count; level++) {
        most = larger(most, T * H * W * larger(channels, vae_width(cfg, level)));
        channels = vae_width(cfg, level);
        if (vae_encoder_halves_time(cfg, level))
            T = vae_half_time(T);
        if (vae_encoder_halves_space(cfg, level)) {
            H /= 2;
            W /= 2;
        }
    }
    return larger(most, T * H * W * 2 * cfg->latent_channels);
}

int64_t vae_decoder_elements(const cfg_vae *cfg, int64_t L, int64_t h, int64_t w)
{
    int64_t most = 0;
    int64_t channels = vae_width(cfg, cfg->multiplier_count - 1);
    for (int level = cfg->multiplier_count - 1; level >= 0; level--) {
        most = larger(most, L * h * w * larger(channels, vae_width(cfg, level)));
        channels = vae_width(cfg, level);
        if (vae_decoder_doubles_time(cfg, level))
            L = vae_double_time(L);
        if (vae_decoder_doubles_space(cfg, level)) {
            h *= 2;
            w *= 2;
        }
        most = larger(most, L * h * w * channels); /* enlarged, before the next level narrows it */
    }
    return larger(most, L * h * w * cfg->in_channels);
}

int vae_history_layers(const cfg_vae *cfg)
{
    return 2 + 2 * (VAE_MID_BLOCKS + cfg->multiplier_count * cfg->decoder_blocks);
}

lt_shape vae_history_shape(const cfg_vae *cfg, int layer, int64_t h, int64_t w)
{
    const int last_level = cfg->multiplier_count - 1;
    const int first_of_levels = 1 + 2 * VAE_MID_BLOCKS;
    if (layer == 0)
        return lt_shape4(VAE_KEPT_FRAMES, h, w, cfg->latent_channels);
    if (layer < first_of_levels)
        return lt_shape4(VAE_KEPT_FRAMES, h, w, vae_width(cfg, last_level));

    const int layers_per_level = 2 * cfg->decoder_blocks;
    const int doublings = (layer - first_of_levels) / layers_per_level;
    /* conv_out */
    if (doublings > last_level)
        return lt_shape4(VAE_KEPT_FRAMES, h << last_level, w << last_level, vae_width(cfg, 0));
    const int level = last_level - doublings;
    const bool enters_level =
        (layer - first_of_levels) % layers_per_level == 0 && level < last_level;
    return lt_shape4(VAE_KEPT_FRAMES, h << doublings, w << doublings,
                     vae_width(cfg, enters_level ? level + 1 : level));
}
