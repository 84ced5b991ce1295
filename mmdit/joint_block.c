/* joint_block.c - see joint_block.h.
 *
 *     h += gate1 * dense(attention(norm1(h) modulated))
 *     h += gate2 * mlp(norm2(h) modulated)
 *
 * All weights are shared by text and video rows; only shift, scale and gate differ. They come from
 * the timestep: one vector of twelve parts of width d, in this order:
 *
 *     video: shift1 scale1 gate1 shift2 scale2 gate2
 *     text:  shift1 scale1 gate1 shift2 scale2 gate2
 */
#include "mmdit/joint_block.h"

#include <math.h>

/* the release asks for 1e-6, its library builds these with 1e-5 */
static const float BLOCK_NORM_EPS = 1e-5f;
static const float HEAD_NORM_EPS = 1e-6f;

typedef enum { VIDEO_PARTS = 0, TEXT_PARTS = 6 } row_parts;
typedef enum { ATTENTION_PARTS = 0, MLP_PARTS = 3 } half_parts;
enum { SHIFT, SCALE, GATE };

void dit_block_bind(lt_binder *b, dit_block *w, const cfg_mmdit *cfg, const char *prefix, int layer)
{
    const int d = cfg->width;
    dit_bind_linear(b, &w->modulation, 12 * d, cfg->time_width,
                    "%s.mixins.adaln_layer.adaLN_modulations.%d.1", prefix, layer);
    dit_bind_norm(b, &w->norm1, d, "%s.transformer.layers.%d.input_layernorm", prefix, layer);
    dit_bind_linear(b, &w->qkv, 3 * d, d, "%s.transformer.layers.%d.attention.query_key_value",
                    prefix, layer);
    dit_bind_norm(b, &w->query_norm, d / cfg->heads,
                  "%s.mixins.adaln_layer.query_layernorm_list.%d", prefix, layer);
    dit_bind_norm(b, &w->key_norm, d / cfg->heads, "%s.mixins.adaln_layer.key_layernorm_list.%d",
                  prefix, layer);
    dit_bind_linear(b, &w->dense, d, d, "%s.transformer.layers.%d.attention.dense", prefix, layer);
    dit_bind_norm(b, &w->norm2, d, "%s.transformer.layers.%d.post_attention_layernorm", prefix,
                  layer);
    dit_bind_linear(b, &w->mlp_in, cfg->mlp_width, d, "%s.transformer.layers.%d.mlp.dense_h_to_4h",
                    prefix, layer);
    dit_bind_linear(b, &w->mlp_out, d, cfg->mlp_width, "%s.transformer.layers.%d.mlp.dense_4h_to_h",
                    prefix, layer);
}

/* Part of the modulation vector m [1, 12 d]: [1, d]. */
static lt_tensor part(lt_tensor m, row_parts rows, half_parts half, int which)
{
    const int64_t d = m.dim[1] / 12;
    return lt_slice(m, 1, ((int)rows + (int)half + which) * d, d);
}

static dit_sequence from_row(dit_sequence s, int64_t first)
{
    const lt_tensor rows = lt_slice(s.rows, 0, first, s.rows.dim[0] - first);
    const int64_t gone = s.n_text < first ? s.n_text : first;
    return (dit_sequence){.rows = rows, .n_text = s.n_text - gone, .text_keys = s.text_keys - gone};
}

/* Other rows in the places of those of `s`. */
static dit_sequence with_rows(dit_sequence s, lt_tensor rows)
{
    s.rows = rows;
    return s;
}

static lt_tensor text_of(dit_sequence s)
{
    return lt_slice(s.rows, 0, 0, s.n_text);
}

static lt_tensor video_of(dit_sequence s)
{
    return lt_slice(s.rows, 0, s.n_text, s.rows.dim[0] - s.n_text);
}

/* LN(h) * (1 + scale) + shift, with each kind of row's own parts: [n, d]. */
static lt_tensor modulated_norm(lt_ops *o, const dit_affine *norm, dit_sequence h, lt_tensor m,
                                half_parts half)
{
    const dit_sequence u = with_rows(h, lt_new(o, o->dtype, lt_shape_of(&h.rows)));
    lt_modulated_norm_into(o, text_of(u), text_of(h), &norm->weight, &norm->bias, BLOCK_NORM_EPS,
                           part(m, TEXT_PARTS, half, SCALE), part(m, TEXT_PARTS, half, SHIFT));
    lt_modulated_norm_into(o, video_of(u), video_of(h), &norm->weight, &norm->bias, BLOCK_NORM_EPS,
                           part(m, VIDEO_PARTS, half, SCALE), part(m, VIDEO_PARTS, half, SHIFT));
    return u.rows;
}

/* h += gate * y, y [n, d]. */
static void gated_add(lt_ops *o, dit_sequence h, lt_tensor y, lt_tensor m, half_parts half)
{
    const dit_sequence added = with_rows(h, y);
    lt_gated_add_into(o, text_of(h), part(m, TEXT_PARTS, half, GATE), text_of(added));
    lt_gated_add_into(o, video_of(h), part(m, VIDEO_PARTS, half, GATE), video_of(added));
}

/* Columns of q (0), k (1) or v (2) as heads: [n, heads, d / heads]. */
static lt_tensor heads_of(lt_tensor qkv, int which, int heads)
{
    const int64_t d = qkv.dim[1] / 3;
    return lt_reshape(lt_slice(qkv, 1, which * d, d), lt_shape3(qkv.dim[0], heads, d / heads));
}

static void normalise_heads(lt_ops *o, lt_tensor heads, const dit_affine *norm)
{
    lt_modulated_norm_into(o, heads, heads, &norm->weight, &norm->bias, HEAD_NORM_EPS, lt_none(),
                           lt_none());
}

/* Attention of the rows of u from `first` on to all rows, of which the first has `more` copies: [n,
 * d] -> [n - first, d]. */
static lt_tensor attend(lt_ops *o, const dit_block *w, int heads, lt_tensor u, int64_t first,
                        int64_t more)
{
    const int64_t n = u.dim[0];
    const int64_t d = u.dim[1];
    const int64_t asking = n - first;
    /* the copies have no query */
    const lt_tensor qkv = lt_new(o, o->dtype, lt_shape2(more + n, 3 * d));
    const lt_tensor computed = lt_slice(qkv, 0, more, n);
    lt_linear_into(o, computed, u, &w->qkv.weight, &w->qkv.bias, LT_ACT_NONE);
    const lt_tensor q = heads_of(lt_slice(computed, 0, first, asking), 0, heads);
    const lt_tensor k = heads_of(qkv, 1, heads);
    const lt_tensor v = heads_of(qkv, 2, heads);
    normalise_heads(o, q, &w->query_norm);
    normalise_heads(o, heads_of(computed, 1, heads), &w->key_norm);
    if (more > 0) {
        const lt_tensor copies = lt_slice(lt_slice(qkv, 0, 0, more), 1, d, 2 * d);
        lt_fill_into(o, copies, 0);
        lt_add_into(o, copies, lt_slice(lt_slice(computed, 0, 0, 1), 1, d, 2 * d));
    }
    const lt_attention_args args = {.scale = 1.0f / sqrtf((float)q.dim[2]),
                                    .rounding = w->qkv.weight.rounding};
    const lt_tensor mixed = lt_attention(o, q, k, v, &args); /* [n - first, heads, d / heads] */
    return lt_linear(o, lt_reshape(mixed, lt_shape2(asking, d)), &w->dense.weight, &w->dense.bias,
                     LT_ACT_NONE);
}

void dit_block_run(lt_ops *o, const dit_block *w, int heads, dit_sequence s, int64_t first,
                   lt_tensor time)
{
    const lt_mark block = lt_ops_mark(o);
    const lt_tensor m =
        lt_linear(o, time, &w->modulation.weight, &w->modulation.bias, LT_ACT_NONE); /* [1, 12 d] */
    const dit_sequence changing = from_row(s, first);

    const lt_mark half = lt_ops_mark(o);
    lt_tensor u = modulated_norm(o, &w->norm1, s, m, ATTENTION_PARTS);
    gated_add(o, changing, attend(o, w, heads, u, first, s.text_keys - s.n_text), m,
              ATTENTION_PARTS);
    lt_ops_rewind(o, half);

    u = modulated_norm(o, &w->norm2, changing, m, MLP_PARTS);
    const lt_tensor inner = lt_linear(o, u, &w->mlp_in.weight, &w->mlp_in.bias, LT_ACT_GELU_TANH);
    const lt_tensor y = lt_linear(o, inner, &w->mlp_out.weight, &w->mlp_out.bias, LT_ACT_NONE);
    gated_add(o, changing, y, m, MLP_PARTS);
    lt_ops_rewind(o, block);
}
