/* picture_motion.h - what moves between two pictures: picture codes tell a frame, and a latent
 * holds the frames since the one before.
 *
 *     tok_picture_motion motion;
 *     LT_TRY(tok_picture_motion_load(weights, latent_channels, &motion, err));
 *     tok_picture_move(&motion, before, cells, latent);
 *
 * The latent of frames that go from one picture to the next is that of the last, standing still,
 * plus a linear map, channel by channel of a cell, of how it differs from the one before. Of a cut
 * it makes a dissolve.
 */
#ifndef TOK_PICTURE_MOTION_H
#define TOK_PICTURE_MOTION_H

#include <stdint.h>

#include "weights/weights.h"

typedef struct {
    int channels;   /* of latents */
    float *map;     /* [channels, channels] */
    double *change; /* [channels], scratch: how a cell differs from the one before */
} tok_picture_motion;

/* `pictures.motion` [channels, channels]. LT_ERR_INPUT where it is missing or of another size. */
lt_status tok_picture_motion_load(lt_weights *weights, int channels, tok_picture_motion *out,
                                  lt_error *err);
void tok_picture_motion_clear(tok_picture_motion *m); /* accepts a zeroed one */
/* latent [channels, cells] of a picture that stands still -> of the frames that lead to it from
 * `before` [channels, cells], which stands still too. */
void tok_picture_move(tok_picture_motion *m, const float *before, int64_t cells, float *latent);

#endif
