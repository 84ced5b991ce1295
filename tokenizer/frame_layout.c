#include "tokenizer/frame_layout.h"

#include <math.h>

int tok_frame_patches(const cfg_tokenizer *cfg)
{
    return cfg->grid_height * cfg->grid_width;
}

int tok_frame_tokens(const cfg_tokenizer *cfg, int frame)
{
    return frame == 0 ? cfg->i_tokens : cfg->p_tokens;
}

int64_t tok_frame_rows(const cfg_tokenizer *cfg, int frame)
{
    return (int64_t)tok_frame_patches(cfg) + tok_frame_tokens(cfg, frame);
}

int64_t tok_tokens_before(const cfg_tokenizer *cfg, int frame)
{
    return frame == 0 ? 0 : cfg->i_tokens + (int64_t)(frame - 1) * cfg->p_tokens;
}

int64_t tok_rows_before(const cfg_tokenizer *cfg, int frame)
{
    return (int64_t)frame * tok_frame_patches(cfg) + tok_tokens_before(cfg, frame);
}

void tok_rope_row(const cfg_tokenizer *cfg, const int place[3], float *cosine, float *sine)
{
    int pair = 0;
    for (int axis = 0; axis < 3; axis++) {
        const int channels = cfg->rope_dims[axis];
        for (int i = 0; i < channels / 2; i++, pair++) {
            /* Exponent, frequency and angle are f32 numbers in the release. */
            const float exponent = (float)(2 * i) / (float)channels;
            const float frequency = 1.0f / (float)pow((double)cfg->rope_base, (double)exponent);
            const float angle = (float)place[axis] * frequency;
            cosine[pair] = (float)cos((double)angle);
            sine[pair] = (float)sin((double)angle);
        }
    }
}

void tok_rope_table(const cfg_tokenizer *cfg, int frames, float *cosine, float *sine)
{
    const int pairs = (cfg->rope_dims[0] + cfg->rope_dims[1] + cfg->rope_dims[2]) / 2;
    int64_t row = 0;
    for (int t = 0; t < frames; t++) {
        for (int y = 0; y < cfg->grid_height; y++)
            for (int x = 0; x < cfg->grid_width; x++, row++)
                tok_rope_row(cfg, (int[3]){t, y, x}, cosine + row * pairs, sine + row * pairs);
        const int first = (int)tok_tokens_before(cfg, t);
        for (int j = first; j < first + tok_frame_tokens(cfg, t); j++, row++)
            tok_rope_row(cfg, (int[3]){j, j, j}, cosine + row * pairs, sine + row * pairs);
    }
}
