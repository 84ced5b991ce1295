/* vae_config.h - sizes of the temporal VAE; keys of the section `temporal_vae`. */
#ifndef CFG_VAE_CONFIG_H
#define CFG_VAE_CONFIG_H

enum { CFG_VAE_MAX_LEVELS = 8 };

typedef struct {
    int in_channels;
    int latent_channels;
    int base_width;
    int multiplier_count;
    int multipliers[CFG_VAE_MAX_LEVELS];
    int encoder_blocks; /* residual blocks really present per level */
    int decoder_blocks;
    int groups;
    double scale_factor; /* multiplies after encode, divides before decode */
} cfg_vae;

#endif
