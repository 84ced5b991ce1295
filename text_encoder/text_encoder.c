#include "text_encoder/text_encoder.h"

#include <stdlib.h>

#include "kernels/ops.h"
#include "text_encoder/relative_bucket.h"

typedef struct {
    lt_weight attention_norm; /* [d_model] */
    lt_weight q;              /* [heads d_kv, d_model], k and v too */
    lt_weight k;
    lt_weight v;
    lt_weight o;                 /* [d_model, heads d_kv] */
    lt_weight feed_forward_norm; /* [d_model] */
    lt_weight gate;              /* wi_0 [d_ff, d_model] */
    lt_weight up;                /* wi_1 [d_ff, d_model] */
    lt_weight down;              /* wo [d_model, d_ff] */
} encoder_block;

struct text_encoder {
    cfg_text cfg;
    lt_weight_set *set;
    lt_ops ops;
    lt_weight embedding;     /* [vocab_size, d_model] */
    lt_weight relative_bias; /* [buckets, heads], of block 0, used by all */
    lt_weight final_norm;    /* [d_model] */
    encoder_block *blocks;   /* [num_layers] */
};

static void bind_block(lt_binder *b, const cfg_text *cfg, encoder_block *block, int i)
{
    const int64_t d = cfg->d_model;
    const int64_t inner = (int64_t)cfg->num_heads * cfg->d_kv;
    const lt_shape into = lt_shape2(inner, d);
    lt_bind(b, &block->attention_norm, LT_ROLE_VECTOR, lt_shape1(d),
            "encoder.block.%d.layer.0.layer_norm.weight", i);
    lt_bind(b, &block->q, LT_ROLE_MATRIX, into, "encoder.block.%d.layer.0.SelfAttention.q.weight",
            i);
    lt_bind(b, &block->k, LT_ROLE_MATRIX, into, "encoder.block.%d.layer.0.SelfAttention.k.weight",
            i);
    lt_bind(b, &block->v, LT_ROLE_MATRIX, into, "encoder.block.%d.layer.0.SelfAttention.v.weight",
            i);
    lt_bind(b, &block->o, LT_ROLE_MATRIX, lt_shape2(d, inner),
            "encoder.block.%d.layer.0.SelfAttention.o.weight", i);
    lt_bind(b, &block->feed_forward_norm, LT_ROLE_VECTOR, lt_shape1(d),
            "encoder.block.%d.layer.1.layer_norm.weight", i);
    lt_bind(b, &block->gate, LT_ROLE_MATRIX, lt_shape2(cfg->d_ff, d),
            "encoder.block.%d.layer.1.DenseReluDense.wi_0.weight", i);
    lt_bind(b, &block->up, LT_ROLE_MATRIX, lt_shape2(cfg->d_ff, d),
            "encoder.block.%d.layer.1.DenseReluDense.wi_1.weight", i);
    lt_bind(b, &block->down, LT_ROLE_MATRIX, lt_shape2(d, cfg->d_ff),
            "encoder.block.%d.layer.1.DenseReluDense.wo.weight", i);
}

/* Some files name the embedding twice, some once under either name; both are the same matrix. */
static lt_status bind_encoder(text_encoder *e, lt_weights *file, lt_error *err)
{
    const cfg_text *cfg = &e->cfg;
    lt_binder *b = lt_binder_open(file, e->ops.backend);
    const bool only_tied =
        !lt_binder_has(b, "shared.weight") && lt_binder_has(b, "encoder.embed_tokens.weight");
    lt_bind(b, &e->embedding, LT_ROLE_TABLE, lt_shape2(cfg->vocab_size, cfg->d_model), "%s",
            only_tied ? "encoder.embed_tokens.weight" : "shared.weight");
    lt_bind(b, &e->relative_bias, LT_ROLE_TABLE,
            lt_shape2(cfg->relative_attention_num_buckets, cfg->num_heads),
            "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
    lt_bind(b, &e->final_norm, LT_ROLE_VECTOR, lt_shape1(cfg->d_model),
            "encoder.final_layer_norm.weight");
    for (int i = 0; i < cfg->num_layers; i++)
        bind_block(b, cfg, &e->blocks[i], i);
    return lt_binder_close(b, &e->set, err);
}

/* Farther than where single steps end, or the logarithm of the bucket rule is not positive. */
static lt_status check_buckets(const cfg_text *cfg, lt_error *err)
{
    if (cfg->relative_attention_max_distance > cfg->relative_attention_num_buckets / 4)
        return LT_OK;
    return lt_fail(
        err, LT_ERR_INPUT,
        "text encoder: relative_attention_max_distance is %d, expected more than a quarter of the %d buckets",
        cfg->relative_attention_max_distance, cfg->relative_attention_num_buckets);
}

lt_status text_encoder_open(lt_weights *file, const cfg_text *cfg, lt_backend *backend,
                            text_encoder **out, lt_error *err)
{
    *out = NULL;
    LT_TRY(check_buckets(cfg, err));
    text_encoder *e = calloc(1, sizeof *e);
    if (e == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "text encoder: out of memory");
    e->cfg = *cfg;
    lt_ops_open(&e->ops, backend);
    e->blocks = calloc((size_t)cfg->num_layers + 1, sizeof e->blocks[0]);
    const lt_status s = e->blocks == NULL
                            ? lt_fail(err, LT_ERR_RESOURCES, "text encoder: out of memory")
                            : bind_encoder(e, file, err);
    if (s == LT_OK)
        *out = e;
    else
        text_encoder_close(e);
    return s;
}

void text_encoder_close(text_encoder *e)
{
    if (e == NULL)
        return;
    lt_ops_close(&e->ops);
    lt_weight_set_close(e->set);
    free(e->blocks);
    free(e);
}

/* One call of the encoder. */
typedef struct {
    const text_encoder *encoder;
    const int32_t *ids;     /* [n] */
    const int32_t *buckets; /* [2 n - 1]: of distance 1 - n .. n - 1 */
    int n;
    float *hidden; /* [n, d_model] */
} encoding;

/* [heads, 2 n - 1]: column j - i + n - 1 is the bias of query i and key j */
static lt_tensor bias_of_distances(lt_ops *o, const encoding *call)
{
    const int64_t distances = 2 * (int64_t)call->n - 1;
    static const int heads_first[] = {1, 0};
    const lt_tensor buckets = lt_from_host(o, call->buckets, LT_I32, lt_shape1(distances));
    /* [2 n - 1, heads] */
    const lt_tensor rows = lt_gather(o, &call->encoder->relative_bias, buckets);
    const lt_tensor bias = lt_new(o, LT_F32, lt_shape2(call->encoder->cfg.num_heads, distances));
    lt_copy_into(o, bias, lt_permute(rows, heads_first));
    return bias;
}

/* x += Wo softmax(q k^T + bias) v. T5 has no 1 / sqrt(d_kv): the initial weights take its place. */
static void attend(lt_ops *o, const cfg_text *cfg, const encoder_block *block, lt_tensor x,
                   lt_tensor bias)
{
    const int64_t n = x.dim[0];
    const lt_shape heads = lt_shape3(n, cfg->num_heads, cfg->d_kv);
    /* [n, d_model] */
    const lt_tensor h = lt_rms_norm(o, x, &block->attention_norm, cfg->layer_norm_epsilon);
    /* [n, heads, d_kv] */
    const lt_tensor q = lt_reshape(lt_linear(o, h, &block->q, NULL, LT_ACT_NONE), heads);
    const lt_tensor k = lt_reshape(lt_linear(o, h, &block->k, NULL, LT_ACT_NONE), heads);
    const lt_tensor v = lt_reshape(lt_linear(o, h, &block->v, NULL, LT_ACT_NONE), heads);
    const lt_attention_args args = {.scale = 1, .visible = lt_none(), .bias = bias};
    const lt_tensor mixed = lt_attention(o, q, k, v, &args); /* [n, heads, d_kv] */
    const lt_tensor rows = lt_reshape(mixed, lt_shape2(n, (int64_t)cfg->num_heads * cfg->d_kv));
    lt_linear_add_into(o, x, rows, &block->o, NULL);
}

/* x += Wo (gelu(W0 h) * W1 h) */
static void feed_forward(lt_ops *o, const cfg_text *cfg, const encoder_block *block, lt_tensor x)
{
    const lt_row_norm norm = {&block->feed_forward_norm, cfg->layer_norm_epsilon};
    /* [n, d_ff] */
    const lt_tensor inner =
        lt_gated_linear(o, x, &norm, &block->gate, &block->up, LT_ACT_GELU_TANH);
    lt_linear_add_into(o, x, inner, &block->down, NULL);
}

static lt_status encode_pass(lt_ops *o, void *user)
{
    const encoding *call = user;
    const text_encoder *e = call->encoder;
    const lt_tensor ids = lt_from_host(o, call->ids, LT_I32, lt_shape1(call->n));
    const lt_tensor x = lt_gather(o, &e->embedding, ids); /* [n, d_model] */
    const lt_tensor bias = bias_of_distances(o, call);    /* [heads, 2 n - 1] */
    for (int i = 0; i < e->cfg.num_layers; i++) {
        const lt_mark mark = lt_ops_mark(o);
        attend(o, &e->cfg, &e->blocks[i], x, bias);
        lt_ops_rewind(o, mark);
        feed_forward(o, &e->cfg, &e->blocks[i], x);
        lt_ops_rewind(o, mark);
    }
    const lt_tensor last = lt_rms_norm(o, x, &e->final_norm, e->cfg.layer_norm_epsilon);
    lt_download(o, call->hidden, lt_cast(o, last, LT_F32));
    return lt_ops_status(o);
}

static lt_status check_ids(const text_encoder *e, const int32_t *ids, int n, lt_error *err)
{
    if (n < 1)
        return lt_fail(err, LT_ERR_INPUT, "text encoder: %d ids, expected at least 1", n);
    for (int i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= e->cfg.vocab_size)
            return lt_fail(err, LT_ERR_INPUT,
                           "text encoder: id %d at position %d, expected 0 to %d", (int)ids[i], i,
                           e->cfg.vocab_size - 1);
    return LT_OK;
}

static int32_t *buckets_of_distances(const cfg_text *cfg, int n)
{
    int32_t *buckets = malloc((2 * (size_t)n - 1) * sizeof *buckets);
    for (int i = 0; buckets != NULL && i < 2 * n - 1; i++)
        buckets[i] = text_relative_bucket(i - (n - 1), cfg->relative_attention_num_buckets,
                                          cfg->relative_attention_max_distance);
    return buckets;
}

lt_status text_encode(text_encoder *e, const int32_t *ids, int n, float *hidden, lt_error *err)
{
    LT_TRY(check_ids(e, ids, n, err));
    int32_t *buckets = buckets_of_distances(&e->cfg, n);
    if (buckets == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "text encoder: out of memory");
    encoding call = {.encoder = e, .ids = ids, .buckets = buckets, .n = n, .hidden = hidden};
    const lt_status s = lt_ops_run(&e->ops, encode_pass, &call, err);
    free(buckets);
    return s;
}
