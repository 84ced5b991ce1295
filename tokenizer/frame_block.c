/* frame_block.c - one block of the encoder or decoder, in two steps: all rows leave their keys and
 * values, then rows look at as many of them as they may see. */
#include <math.h>

#include "tokenizer/tok_network.h"

static const float norm_epsilon = 1e-5f;

void tok_block_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_block *block, const char *part,
                    int layer)
{
    const int d = cfg->width;
    const int wide = cfg->mlp_width;
    lt_bind(b, &block->norm_1, LT_ROLE_VECTOR, lt_shape1(d), "%s.transformer.%d.ln_1.weight", part,
            layer);
    lt_bind(b, &block->norm_1_bias, LT_ROLE_VECTOR, lt_shape1(d), "%s.transformer.%d.ln_1.bias",
            part, layer);
    lt_bind(b, &block->q, LT_ROLE_MATRIX, lt_shape2(d, d), "%s.transformer.%d.attn.wq.weight", part,
            layer);
    lt_bind(b, &block->k, LT_ROLE_MATRIX, lt_shape2(d, d), "%s.transformer.%d.attn.wk.weight", part,
            layer);
    lt_bind(b, &block->v, LT_ROLE_MATRIX, lt_shape2(d, d), "%s.transformer.%d.attn.wv.weight", part,
            layer);
    lt_bind(b, &block->out, LT_ROLE_MATRIX, lt_shape2(d, d), "%s.transformer.%d.attn.wo.weight",
            part, layer);
    lt_bind(b, &block->norm_2, LT_ROLE_VECTOR, lt_shape1(d), "%s.transformer.%d.ln_2.weight", part,
            layer);
    lt_bind(b, &block->norm_2_bias, LT_ROLE_VECTOR, lt_shape1(d), "%s.transformer.%d.ln_2.bias",
            part, layer);
    lt_bind(b, &block->up, LT_ROLE_MATRIX, lt_shape2(wide, d), "%s.transformer.%d.mlp.c_fc.weight",
            part, layer);
    lt_bind(b, &block->up_bias, LT_ROLE_VECTOR, lt_shape1(wide), "%s.transformer.%d.mlp.c_fc.bias",
            part, layer);
    lt_bind(b, &block->down, LT_ROLE_MATRIX, lt_shape2(d, wide),
            "%s.transformer.%d.mlp.c_proj.weight", part, layer);
    lt_bind(b, &block->down_bias, LT_ROLE_VECTOR, lt_shape1(d), "%s.transformer.%d.mlp.c_proj.bias",
            part, layer);
}

tok_memory tok_memory_new(lt_ops *o, const cfg_tokenizer *cfg, int64_t rows)
{
    const lt_shape shape = lt_shape3(rows, cfg->heads, cfg->width / cfg->heads);
    const lt_tensor keys = lt_new(o, o->dtype, shape);
    return (tok_memory){keys, lt_new(o, o->dtype, shape)};
}

tok_memory tok_memory_slice(tok_memory m, int64_t begin, int64_t count)
{
    return (tok_memory){lt_slice(m.keys, 0, begin, count), lt_slice(m.values, 0, begin, count)};
}

tok_angles tok_angles_slice(tok_angles a, int64_t begin, int64_t count)
{
    return (tok_angles){lt_slice(a.cosine, 0, begin, count), lt_slice(a.sine, 0, begin, count)};
}

void tok_block_remember(lt_ops *o, const cfg_tokenizer *cfg, const tok_block *block, lt_tensor x,
                        tok_angles angles, tok_memory out)
{
    const lt_mark mark = lt_ops_mark(o);
    const lt_shape rows = lt_shape2(x.dim[0], cfg->width);
    const lt_tensor normed = tok_norm(o, x, &block->norm_1, &block->norm_1_bias, norm_epsilon);
    lt_linear_into(o, lt_reshape(out.keys, rows), normed, &block->k, NULL, LT_ACT_NONE);
    lt_linear_into(o, lt_reshape(out.values, rows), normed, &block->v, NULL, LT_ACT_NONE);
    lt_rope(o, out.keys, angles.cosine, angles.sine);
    lt_ops_rewind(o, mark);
}

static void add_attention(lt_ops *o, const cfg_tokenizer *cfg, const tok_block *block, lt_tensor x,
                          tok_angles angles, tok_memory seen, lt_tensor visible)
{
    const int64_t n = x.dim[0];
    const int64_t d = cfg->width / cfg->heads;
    const lt_attention_args args = {.scale = 1.0f / sqrtf((float)d), .visible = visible};
    const lt_tensor normed = tok_norm(o, x, &block->norm_1, &block->norm_1_bias, norm_epsilon);
    const lt_tensor q =
        lt_reshape(lt_linear(o, normed, &block->q, NULL, LT_ACT_NONE), lt_shape3(n, cfg->heads, d));
    lt_rope(o, q, angles.cosine, angles.sine);
    const lt_tensor found = lt_attention(o, q, seen.keys, seen.values, &args); /* [n, heads, d] */
    lt_linear_add_into(o, x, lt_reshape(found, lt_shape2(n, cfg->width)), &block->out, NULL);
}

static void add_mlp(lt_ops *o, const tok_block *block, lt_tensor x)
{
    const lt_tensor normed = tok_norm(o, x, &block->norm_2, &block->norm_2_bias, norm_epsilon);
    const lt_tensor hidden =
        lt_linear(o, normed, &block->up, &block->up_bias, LT_ACT_GELU_ERF); /* [n, mlp_width] */
    lt_linear_add_into(o, x, hidden, &block->down, &block->down_bias);
}

void tok_block_forward(lt_ops *o, const cfg_tokenizer *cfg, const tok_block *block, lt_tensor x,
                       tok_angles angles, tok_memory seen, lt_tensor visible)
{
    const lt_mark mark = lt_ops_mark(o);
    add_attention(o, cfg, block, x, angles, seen, visible);
    lt_ops_rewind(o, mark);
    add_mlp(o, block, x);
    lt_ops_rewind(o, mark);
}
