#include "tokenizer/picture_motion.h"

#include <stdlib.h>

#include "tokenizer/picture_weights.h"

lt_status tok_picture_motion_load(lt_weights *weights, int channels, tok_picture_motion *out,
                                  lt_error *err)
{
    *out = (tok_picture_motion){.channels = channels,
                                .change = malloc((size_t)channels * sizeof *out->change)};
    if (!out->change)
        return lt_fail(err, LT_ERR_RESOURCES, "tokenizer: no memory for %d channels", channels);
    return tok_picture_weights(weights, "pictures.motion", lt_shape2(channels, channels), &out->map,
                               err);
}

void tok_picture_motion_clear(tok_picture_motion *m)
{
    free(m->map);
    free(m->change);
    *m = (tok_picture_motion){0};
}

void tok_picture_move(tok_picture_motion *m, const float *before, int64_t cells, float *latent)
{
    const int channels = m->channels;
    for (int64_t cell = 0; cell < cells; cell++) {
        for (int i = 0; i < channels; i++)
            m->change[i] = (double)latent[i * cells + cell] - (double)before[i * cells + cell];
        for (int o = 0; o < channels; o++) {
            double sum = (double)latent[o * cells + cell];
            for (int i = 0; i < channels; i++)
                sum += (double)m->map[o * channels + i] * m->change[i];
            latent[o * cells + cell] = (float)sum;
        }
    }
}
