/* tok_network.h - the tokenizer's networks: their weights, and what each computes in a forward
 * pass.
 *
 * Used by tokenizer.c and tok_check.c. Each part binds itself, so that a golden file need hold no
 * more than that part's weights. The residual stream of all three transformers is f32 whatever the
 * activations are, as in the release.
 */
#ifndef TOK_NETWORK_H
#define TOK_NETWORK_H

#include "configs/tokenizer_config.h"
#include "kernels/ops.h"
#include "tokenizer/frame_layout.h"
#include "weights/weights.h"

/* residual_stream.c: x [n, d] f32 -> LayerNorm of its rows in the activation dtype. */
lt_tensor tok_norm(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias, float eps);

/* frame_block.c: one transformer block of the encoder or decoder. */
typedef struct {
    lt_weight norm_1, norm_1_bias;
    lt_weight q, k, v, out; /* [width, width], no biases */
    lt_weight norm_2, norm_2_bias;
    lt_weight up, up_bias; /* [mlp_width, width] */
    lt_weight down, down_bias;
} tok_block;

/* Rows of a block's keys or values, [rows, heads, d]; cosine and sine
 * [rows, d / 2] of the same rows. */
typedef struct {
    lt_tensor keys;
    lt_tensor values;
} tok_memory;

typedef struct {
    lt_tensor cosine;
    lt_tensor sine;
} tok_angles;

/* sequence_table.c: what a row of a segment is by its place in frame-by-frame
 * order; enough for a full segment. */
typedef struct {
    tok_angles angles; /* [rows, d / 2] */
    lt_tensor counts;  /* i32 [rows]: 1, 2, 3, ...; what a latent row of the encoder may see */
} tok_sequence;

lt_status tok_sequence_open(lt_backend *backend, const cfg_tokenizer *cfg, tok_sequence *out,
                            lt_error *err);
void tok_sequence_close(lt_backend *backend, tok_sequence *s); /* accepts a zeroed one */

void tok_block_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_block *block, const char *part,
                    int layer);
tok_memory tok_memory_new(lt_ops *o, const cfg_tokenizer *cfg, int64_t rows);
tok_memory tok_memory_slice(tok_memory m, int64_t begin, int64_t count);
tok_angles tok_angles_slice(tok_angles a, int64_t begin, int64_t count);
/* Writes the keys (rotated) and values of rows x [n, width] to `out`. */
void tok_block_remember(lt_ops *o, const cfg_tokenizer *cfg, const tok_block *block, lt_tensor x,
                        tok_angles angles, tok_memory out);
/* x [n, width] f32 becomes the block's output. Row i sees the first
 * visible[i] rows of `seen`, or all. */
void tok_block_forward(lt_ops *o, const cfg_tokenizer *cfg, const tok_block *block, lt_tensor x,
                       tok_angles angles, tok_memory seen, lt_tensor visible);

/* quantizer.c: 768 channels to one of 2048 codes and back. */
typedef struct {
    lt_weight in, in_bias;   /* [code_dim, width] */
    lt_weight out, out_bias; /* [width, code_dim] */
    lt_weight codebook;      /* [codebook_size, code_dim] on the backend */
    float *codes;            /* the same in host memory, as stored */
    float *squares;          /* [codebook_size]: sum of a code's squares */
    int count;
    int dim;
} tok_quantizer;

typedef enum { TOK_TO_CODES = 1, TOK_FROM_CODES = 2 } tok_direction;

void tok_quantizer_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_quantizer *q,
                        unsigned directions);
/* After binding: reads the codebook for the search. LT_ERR_INPUT when it was never initialised. */
lt_status tok_quantizer_load(tok_quantizer *q, const cfg_tokenizer *cfg, lt_weights *weights,
                             lt_error *err);
void tok_quantizer_close(tok_quantizer *q);
/* latents [n, width] -> [n, code_dim] f32 */
lt_tensor tok_project_in(lt_ops *o, const tok_quantizer *q, lt_tensor latents);
/* tokens [n] in host memory -> [n, width] */
lt_tensor tok_code_rows(lt_ops *o, const tok_quantizer *q, const int32_t *tokens, int64_t n);
/* The nearest code of each row z [n, code_dim] in host memory; of equally near ones the first. */
void tok_nearest_codes(const tok_quantizer *q, const float *z, int64_t n, int32_t *tokens);
/* How far each row is from its code: mean squared difference over code_dim, [n]. */
void tok_code_distances(const tok_quantizer *q, const float *z, int64_t n, const int32_t *tokens,
                        float *distances);

/* tok_encoder.c: features of a segment to latents. */
typedef struct {
    lt_weight patch, patch_bias; /* [width, feature_channels] */
    lt_weight i_queries;         /* [i_tokens, width] */
    lt_weight p_queries;         /* [p_tokens, width], the same for every P-frame */
    lt_weight pre_norm, pre_norm_bias;
    tok_block *blocks; /* [layers] */
    lt_weight post_norm, post_norm_bias;
    lt_weight project, project_bias;
} tok_encoder;

void tok_encoder_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_encoder *net);
/* features [frames, h, w, feature_channels] f32 in host memory -> latents [tokens, width]. */
lt_tensor tok_encoder_latents(lt_ops *o, const cfg_tokenizer *cfg, const tok_encoder *net,
                              const tok_sequence *sequence, const float *features, int frames);

/* tok_decoder.c: codes of a segment to features. */
typedef struct {
    lt_weight mask;              /* [1, width]: stands at every visual row */
    lt_weight embed, embed_bias; /* [width, width] */
    lt_weight pre_norm, pre_norm_bias;
    tok_block *blocks;
    lt_weight post_norm, post_norm_bias;
    lt_weight head_in, head_in_bias;   /* [head_width, width], then tanh */
    lt_weight head_out, head_out_bias; /* [feature_channels, head_width] */
} tok_decoder;

void tok_decoder_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_decoder *net);
/* codes [tokens, width] -> features [frames, h, w, feature_channels] f32, written to host memory
 * frame by frame. */
void tok_decoder_features(lt_ops *o, const cfg_tokenizer *cfg, const tok_decoder *net,
                          const tok_sequence *sequence, lt_tensor codes, int frames,
                          float *features);

/* The last norm and the head: rows x [patches, width] f32 of the stream -> features f32 [patches,
 * feature_channels], to host memory. */
void tok_decoder_head(lt_ops *o, const tok_decoder *net, lt_tensor x, float *features);

/* picture_decoder.c: what picture codes tell of a frame, to rows as
 * the decoder's head reads them. */
enum { TOK_PICTURE_LAYERS = 3 };

typedef struct {
    /* [picture_width, inputs], [picture_width, picture_width], [width, picture_width] */
    lt_weight layer[TOK_PICTURE_LAYERS];
    lt_weight bias[TOK_PICTURE_LAYERS];
} tok_pictures;

void tok_pictures_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_pictures *net);
/* Values that the perceptron is given for a frame: what is around each patch. */
int64_t tok_picture_inputs(const cfg_tokenizer *cfg);
/* colours as tok_picture_colours has them -> inputs [patches, inputs of one], in host memory */
void tok_picture_look(const cfg_tokenizer *cfg, const float *colours, float *inputs);
/* -> [patches, width] f32 */
lt_tensor tok_picture_rows(lt_ops *o, const cfg_tokenizer *cfg, const tok_pictures *net,
                           const float *inputs);

/* theia.c: a picture to features. */
typedef struct {
    lt_weight norm_1, norm_1_bias;
    lt_weight q, q_bias, k, k_bias, v, v_bias;
    lt_weight out, out_bias;
    lt_weight norm_2, norm_2_bias;
    lt_weight up, up_bias;
    lt_weight down, down_bias;
} tok_theia_block;

typedef struct {
    lt_weight class_token;       /* [1, hidden] */
    lt_weight positions;         /* [trained patches + 1, hidden] */
    lt_weight patch, patch_bias; /* [hidden, 3 patch patch] */
    tok_theia_block *blocks;
    lt_weight norm, norm_bias;
} tok_theia;

void tok_theia_bind(lt_binder *b, const cfg_theia *cfg, tok_theia *net);
/* Patches along a side of a picture once it is padded to a square. */
int tok_theia_side(const cfg_theia *cfg, int height, int width);
/* The picture [height, width, 3] in rows of one patch each, [side * side, 3 patch patch]: padded to
 * a square below or on the right with grey 127, each value (u - 127.5) / 127.5. */
void tok_theia_patches(const cfg_theia *cfg, const uint8_t *picture, int height, int width,
                       float *patches);
/* patches as above in host memory; positions [side * side + 1, hidden] f32 -> [side * side + 1,
 * hidden] f32, row 0 of the class token. */
lt_tensor tok_theia_forward(lt_ops *o, const cfg_theia *cfg, const tok_theia *net,
                            const float *patches, lt_tensor positions);
/* The top left grid of a square of features; cells that the square does not have become 0. */
void tok_theia_fit(const cfg_tokenizer *cfg, const float *square, int side, float *grid);

/* position_resize.c: [trained * trained, d] -> [side * side, d], bicubic. */
void tok_resize_positions(const float *table, int trained, int side, int d, float *out);
/* Where output cell i of `to` looks in `from` cells: four cells from `first` on (clamped by the
 * caller), and their weights. */
void tok_cubic_taps(int from, int to, int i, int *first, double weights[4]);

#endif
