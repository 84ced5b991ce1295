/* tokenizer.h - frames to features to semantic tokens, and semantic tokens back to features.
 *
 *     LT_TRY(tok_open(weights, &cfg, backend, TOK_DECODER, &t, err));
 *     LT_TRY(tok_decode(t, tokens, frames, features, err));
 *
 * A segment is up to `temporal_size` frames; each is encoded and decoded alone. Inside a segment a
 * frame depends on earlier frames only, and its numbers are the same whatever follows it. Host
 * memory everywhere:
 *     frames   u8  [F, H, W, 3]
 *     features f32 [T, grid_height, grid_width, feature_channels]
 *     tokens   i32 [tok_tokens_before(cfg, T)]: those of frame 0, then those of frame 1, ...
 */
#ifndef TOK_TOKENIZER_H
#define TOK_TOKENIZER_H

#include "configs/tokenizer_config.h"
#include "kernels/backend.h"
#include "tokenizer/frame_layout.h"
#include "weights/weights.h"

/* What will be asked of it; only those weights are bound. */
typedef enum {
    TOK_FEATURES = 1, /* tok_features: Theia */
    TOK_ENCODER = 2,
    TOK_DECODER = 4
} tok_part;

typedef struct tok_model tok_model;

/* LT_ERR_INPUT when sizes or weights do not fit together. Borrows `backend`, keeps `weights` open.
 * Theia's weights are looked for under their name in the tokenizer's file and under their public
 * one. */
lt_status tok_open(lt_weights *weights, const cfg_tokenizer *cfg, lt_backend *backend,
                   unsigned parts, tok_model **out, lt_error *err);
void tok_close(tok_model *t); /* accepts NULL */

/* The longest side of a frame, in pixels: a product of two sides is an int, and one of patches,
 * channels and bytes is far inside 64 bits. */
enum { TOK_MAX_SIDE = 16384 };

/* Features of `count` frames, one at a time: memory does not grow with their number. LT_ERR_INPUT
 * for frames that are smaller than a patch or have a side above TOK_MAX_SIDE. */
lt_status tok_features(tok_model *t, const uint8_t *frames, int64_t count, int height, int width,
                       float *features, lt_error *err);
/* What encoding can tell beside the tokens; each may be NULL. */
typedef struct {
    float *latents;   /* f32 [tokens, width]: what the quantiser was given */
    float *distances; /* f32 [tokens]: mean squared difference of the vector searched for from the
                         code chosen, over code_dim */
} tok_encode_extras;

/* Tokens of one segment of T frames; `extras` may be NULL. */
lt_status tok_encode(tok_model *t, const float *features, int T, int32_t *tokens,
                     const tok_encode_extras *extras, lt_error *err);
/* Features of one segment, be it in the encoder's codes or in picture codes. LT_ERR_INPUT for a
 * token that is no code. */
lt_status tok_decode(tok_model *t, const int32_t *tokens, int T, float *features, lt_error *err);

/* Picture codes of a frame, u8 [height, width, 3], as tokens of a segment of one
 * (tokenizer/picture_codes.h). LT_ERR_INPUT where the model has none. Needs the encoder or the
 * decoder. */
lt_status tok_encode_picture(const tok_model *t, const uint8_t *frame, int height, int width,
                             int32_t *tokens, lt_error *err);
/* How much of such a frame the encoder's tokens tell: the mean squared error of its colours
 * (tokenizer/colour_reader.h). The same errors. */
lt_status tok_measure_scene(tok_model *t, const int32_t *tokens, const uint8_t *frame, int height,
                            int width, double *error, lt_error *err);

#endif
