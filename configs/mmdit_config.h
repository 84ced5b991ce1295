/* mmdit_config.h - sizes of the diffusion stage; keys of the section `mmdit`. */
#ifndef CFG_MMDIT_CONFIG_H
#define CFG_MMDIT_CONFIG_H

enum { CFG_MAX_LEVELS = 8, CFG_MAX_STEPS = 1000 };

typedef enum { CFG_CARRY_LATENTS, CFG_CARRY_FRAMES, CFG_CARRY_RENOISE } cfg_carry;

typedef struct {
    int in_channels; /* feature channels */
    int base_width;
    int multiplier_count;
    double multipliers[CFG_MAX_LEVELS]; /* level 0, executed last, first; may be fractions */
    int blocks;                         /* the official count: each level has one more */
    int out_channels;
} cfg_upsample;

typedef struct {
    int width;
    int layers;
    int control_layers;
    int heads;
    int mlp_width;
    int time_width;
    int text_length;
    int text_width;
    int latent_channels;
    int patch;
    int latent_frames; /* of a window */
    int latent_height;
    int latent_width;
    double position_scale;
    int steps;
    cfg_carry carry;     /* latents when the key is absent */
    double carry_anchor; /* how far what a window carries over is drawn to its control latents, 0 */
    int timestep_count;  /* 0: the release's spacing */
    int timesteps[CFG_MAX_STEPS]; /* descending, 0..999 */
    cfg_upsample upsample;
} cfg_mmdit;

#endif
