/* frame_sizes.h - how many numbers one latent and the features of one semantic frame are. */
#ifndef TAKE_FRAME_SIZES_H
#define TAKE_FRAME_SIZES_H

#include "configs/model_config.h"

/* Of a latent: C x H x W. */
static inline int64_t take_latent_values(const cfg_mmdit *cfg)
{
    return (int64_t)cfg->latent_channels * cfg->latent_height * cfg->latent_width;
}

/* Of one semantic frame's features: h x w x C. */
static inline int64_t take_feature_values(const cfg_tokenizer *cfg)
{
    return (int64_t)cfg->grid_height * cfg->grid_width * cfg->feature_channels;
}

#endif
