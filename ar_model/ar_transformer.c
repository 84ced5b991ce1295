/* ar_transformer.c - the blocks (Llama's layout with a GELU gate) over a cache of
 * keys and values, and the head. */
#include <math.h>

#include "ar_model/ar_network.h"

static const float norm_epsilon = 1e-5f;

static void bind_block(lt_binder *b, const cfg_ar *cfg, ar_block *block, int i)
{
    const int d = cfg->width;
    lt_bind(b, &block->attention_norm, LT_ROLE_VECTOR, lt_shape1(d),
            "transformer.blocks.%d.norm0.weight", i);
    lt_bind(b, &block->qkv, LT_ROLE_MATRIX, lt_shape2(3 * (int64_t)d, d),
            "transformer.blocks.%d.wqkv.weight", i);
    lt_bind(b, &block->out, LT_ROLE_MATRIX, lt_shape2(d, d), "transformer.blocks.%d.wo.weight", i);
    lt_bind(b, &block->mlp_norm, LT_ROLE_VECTOR, lt_shape1(d), "transformer.blocks.%d.norm1.weight",
            i);
    lt_bind(b, &block->gate, LT_ROLE_MATRIX, lt_shape2(cfg->mlp_width, d),
            "transformer.blocks.%d.mlp.w1.weight", i);
    lt_bind(b, &block->down, LT_ROLE_MATRIX, lt_shape2(d, cfg->mlp_width),
            "transformer.blocks.%d.mlp.w2.weight", i);
    lt_bind(b, &block->up, LT_ROLE_MATRIX, lt_shape2(cfg->mlp_width, d),
            "transformer.blocks.%d.mlp.w3.weight", i);
}

void ar_transformer_bind(lt_binder *b, ar_transformer *net)
{
    const cfg_ar *cfg = &net->cfg;
    for (int i = 0; i < cfg->layers; i++)
        bind_block(b, cfg, &net->blocks[i], i);
    lt_bind(b, &net->norm, LT_ROLE_VECTOR, lt_shape1(cfg->width), "transformer.layer_norm.weight");
    lt_bind(b, &net->norm_bias, LT_ROLE_VECTOR, lt_shape1(cfg->width),
            "transformer.layer_norm.bias");
    lt_bind(b, &net->head, LT_ROLE_HEAD, lt_shape2(cfg->vocab_size, cfg->width),
            "transformer.head.weight");
}

static bool block_comes_from_host(const ar_block *w)
{
    return lt_comes_from_host(&w->qkv) || lt_comes_from_host(&w->out) ||
           lt_comes_from_host(&w->gate) || lt_comes_from_host(&w->up) ||
           lt_comes_from_host(&w->down);
}

bool ar_transformer_is_resident(const ar_transformer *net)
{
    for (int i = 0; i < net->cfg.layers; i++)
        if (block_comes_from_host(&net->blocks[i]))
            return false;
    return true;
}

/* What all blocks of one pass share. */
typedef struct {
    int64_t keys;
    lt_tensor first;
    lt_tensor cosine; /* [n, d / 2] of the rows' positions, or with `first` [keys, d / 2] */
    lt_tensor sine;
    lt_attention_args attention;
} pass_frame;

/* x [items, n, width] += what the rows gather from all positions up to their own. */
static void add_attention(lt_ops *o, const cfg_ar *cfg, const ar_block *w, const pass_frame *f,
                          const ar_cache *cache, int layer, lt_tensor x)
{
    const int64_t items = x.dim[0];
    const int64_t n = x.dim[1];
    const int64_t d = cfg->width / cfg->heads;
    const lt_row_norm norm = {&w->attention_norm, norm_epsilon};
    const lt_tensor qkv = lt_normed_linear(o, x, &norm, &w->qkv); /* [items, n, 3 width] */
    const lt_tensor keys = ar_cache_rows(cache->keys, layer, (int)items, 0, f->keys);
    const lt_tensor values = ar_cache_rows(cache->values, layer, (int)items, 0, f->keys);
    const lt_tensor seen =
        lt_cached_attention(o, lt_reshape(qkv, lt_shape5(items, n, 3, cfg->heads, d)), keys, values,
                            f->first, f->cosine, f->sine, &f->attention); /* [items, n, heads, d] */
    lt_linear_add_into(o, x, lt_reshape(seen, lt_shape3(items, n, cfg->width)), &w->out, NULL);
}

static void add_mlp(lt_ops *o, const ar_block *w, lt_tensor x)
{
    const lt_row_norm norm = {&w->mlp_norm, norm_epsilon};
    /* [items, n, mlp_width] */
    const lt_tensor inner = lt_gated_linear(o, x, &norm, &w->gate, &w->up, LT_ACT_GELU_TANH);
    lt_linear_add_into(o, x, inner, &w->down, NULL);
}

/* Row i of a pass sees everything before the pass and the rows up to itself; a
 * single row sees all there is. */
static lt_tensor causal_counts(lt_ops *o, int64_t begin, int64_t n)
{
    if (n == 1)
        return lt_none();
    int32_t counts[AR_MAX_PASS_ROWS];
    for (int64_t i = 0; i < n; i++)
        counts[i] = (int32_t)(begin + i + 1);
    return lt_from_host(o, counts, LT_I32, lt_shape1(n));
}

ar_places ar_places_after(lt_ops *o, int64_t used, int64_t n)
{
    return (ar_places){.keys = used + n, .first = lt_none(), .visible = causal_counts(o, used, n)};
}

lt_tensor ar_transformer_blocks(lt_ops *o, const ar_transformer *net, const ar_cache *cache,
                                const ar_places *at, lt_tensor x)
{
    const cfg_ar *cfg = &net->cfg;
    const int head_width = cfg->width / cfg->heads;
    /* the last so many of the keys' */
    const int64_t angles = lt_is_none(&at->first) ? x.dim[1] : at->keys;
    const pass_frame frame = {
        .keys = at->keys,
        .first = at->first,
        .cosine = lt_slice(cache->cosine, 0, at->keys - angles, angles),
        .sine = lt_slice(cache->sine, 0, at->keys - angles, angles),
        .attention = {.scale = 1.0f / sqrtf((float)head_width), .visible = at->visible},
    };
    for (int i = 0; i < cfg->layers; i++) {
        const lt_mark mark = lt_ops_mark(o);
        add_attention(o, cfg, &net->blocks[i], &frame, cache, i, x);
        lt_ops_rewind(o, mark);
        add_mlp(o, &net->blocks[i], x);
        lt_ops_rewind(o, mark);
    }
    return x;
}

void ar_transformer_logits_into(lt_ops *o, const ar_transformer *net, lt_tensor out, lt_tensor x)
{
    const lt_dtype dtype = o->dtype;
    o->dtype = LT_F32; /* the release leaves bf16 after the last block */
    const lt_tensor stream = lt_cast(o, x, LT_F32); /* [items, n, width] */
    const lt_tensor normed = lt_layer_norm(o, stream, &net->norm, &net->norm_bias, norm_epsilon);
    lt_linear_into(o, out, normed, &net->head, NULL, LT_ACT_NONE);
    o->dtype = dtype;
}

lt_tensor ar_transformer_logits(lt_ops *o, const ar_transformer *net, lt_tensor x)
{
    const lt_tensor logits = lt_new(o, LT_F32, lt_shape3(x.dim[0], x.dim[1], net->cfg.vocab_size));
    ar_transformer_logits_into(o, net, logits, x);
    return logits;
}
