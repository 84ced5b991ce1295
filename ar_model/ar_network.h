/* ar_network.h - the language model's parts: their weights, and what each computes in a forward
 * pass.
 *
 * Used by ar_model.c, ar_passes.c (a session) and ar_check.c (golden files of single parts). Each
 * part binds itself, so that a golden file need hold no more than that part's weights.
 */
#ifndef AR_NETWORK_H
#define AR_NETWORK_H

#include "ar_model/kv_cache.h"
#include "configs/ar_config.h"
#include "kernels/ops.h"
#include "weights/weights.h"

/* Rows of one pass at most: a long prefix is filled in by chunks, so that the arena stays small. */
enum { AR_MAX_PASS_ROWS = 256 };

/* micro_condition.c: a scalar becomes one row of the prefix. */
typedef struct {
    lt_weight in, in_bias;   /* sinusoid -> micro_width */
    lt_weight out, out_bias; /* micro_width -> width */
} ar_micro_mlp;

typedef struct {
    ar_micro_mlp frames;
    ar_micro_mlp motion;
} ar_micro;

void ar_micro_bind(lt_binder *b, const cfg_ar *cfg, ar_micro *net);
/* out [2, width]: row 0 from `frames` (semantic frames), row 1 from `motion`; neither is scaled. */
lt_tensor ar_micro_rows(lt_ops *o, const cfg_ar *cfg, const ar_micro *net, float frames,
                        float motion);

/* text_condition.c: the prompt's embedding becomes rows of the prefix. */
typedef struct {
    lt_weight in, in_bias;   /* text_width -> width */
    lt_weight out, out_bias; /* width -> width */
} ar_text;

void ar_text_bind(lt_binder *b, const cfg_ar *cfg, ar_text *net);
/* text [L, text_width] f32 in host memory -> [L, width]. */
lt_tensor ar_text_rows(lt_ops *o, const cfg_ar *cfg, const ar_text *net, const float *text,
                       int64_t rows);

/* ar_transformer.c: blocks and head. */
typedef struct {
    lt_weight attention_norm;
    lt_weight qkv; /* [3 width, width] */
    lt_weight out;
    lt_weight mlp_norm;
    lt_weight gate; /* mlp.w1, goes through GELU */
    lt_weight up;   /* mlp.w3 */
    lt_weight down; /* mlp.w2 */
} ar_block;

typedef struct {
    cfg_ar cfg;
    ar_block *blocks;          /* [cfg.layers] */
    lt_weight norm, norm_bias; /* LayerNorm, unlike those of the blocks */
    lt_weight head;            /* [vocabulary, width], f32, not tied to the embedding */
} ar_transformer;

/* `net->blocks` is there, cfg is set. */
void ar_transformer_bind(lt_binder *b, ar_transformer *net);
/* Whether no matrix has its home on the host. */
bool ar_transformer_is_resident(const ar_transformer *net);

/* Where the n rows of a pass stand in the cache. */
typedef struct {
    int64_t keys; /* positions it may look at: those filled, those of its rows, with `first` perhaps
                     more that are not filled yet */
    lt_tensor first;   /* i32 [1]: the first row's position, where only the device needs to know it;
                          none: the rows are the last n of `keys` */
    lt_tensor visible; /* i32 [n]: so many positions row i sees; none: all up to the last row */
} ar_places;

/* Of n rows after `used` positions. */
ar_places ar_places_after(lt_ops *o, int64_t used, int64_t n);
/* x [items, n, width], written to. Adds the rows' keys and values to the cache (whose `used` stays
 * as it is) and gives the stream after the last block, [items, n, width]. */
lt_tensor ar_transformer_blocks(lt_ops *o, const ar_transformer *net, const ar_cache *cache,
                                const ar_places *at, lt_tensor x);
/* x [items, n, width] after the blocks -> logits [items, n, vocabulary] f32. */
lt_tensor ar_transformer_logits(lt_ops *o, const ar_transformer *net, lt_tensor x);
void ar_transformer_logits_into(lt_ops *o, const ar_transformer *net, lt_tensor out, lt_tensor x);

#endif
