/* theia.c - a picture to features: the backbone of Theia, a plain ViT whose last hidden state,
 * normalised, is the feature. */
#include <math.h>
#include <string.h>

#include "tokenizer/tok_network.h"

static void bind_block(lt_binder *b, const cfg_theia *cfg, tok_theia_block *block, int i)
{
    const lt_shape square = lt_shape2(cfg->hidden_size, cfg->hidden_size);
    const lt_shape row = lt_shape1(cfg->hidden_size);
    const lt_shape wide_row = lt_shape1(cfg->intermediate_size);
    lt_bind(b, &block->norm_1, LT_ROLE_VECTOR, row, "encoder.layer.%d.layernorm_before.weight", i);
    lt_bind(b, &block->norm_1_bias, LT_ROLE_VECTOR, row, "encoder.layer.%d.layernorm_before.bias",
            i);
    lt_bind(b, &block->q, LT_ROLE_MATRIX, square,
            "encoder.layer.%d.attention.attention.query.weight", i);
    lt_bind(b, &block->q_bias, LT_ROLE_VECTOR, row,
            "encoder.layer.%d.attention.attention.query.bias", i);
    lt_bind(b, &block->k, LT_ROLE_MATRIX, square, "encoder.layer.%d.attention.attention.key.weight",
            i);
    lt_bind(b, &block->k_bias, LT_ROLE_VECTOR, row, "encoder.layer.%d.attention.attention.key.bias",
            i);
    lt_bind(b, &block->v, LT_ROLE_MATRIX, square,
            "encoder.layer.%d.attention.attention.value.weight", i);
    lt_bind(b, &block->v_bias, LT_ROLE_VECTOR, row,
            "encoder.layer.%d.attention.attention.value.bias", i);
    lt_bind(b, &block->out, LT_ROLE_MATRIX, square,
            "encoder.layer.%d.attention.output.dense.weight", i);
    lt_bind(b, &block->out_bias, LT_ROLE_VECTOR, row,
            "encoder.layer.%d.attention.output.dense.bias", i);
    lt_bind(b, &block->norm_2, LT_ROLE_VECTOR, row, "encoder.layer.%d.layernorm_after.weight", i);
    lt_bind(b, &block->norm_2_bias, LT_ROLE_VECTOR, row, "encoder.layer.%d.layernorm_after.bias",
            i);
    lt_bind(b, &block->up, LT_ROLE_MATRIX, lt_shape2(cfg->intermediate_size, cfg->hidden_size),
            "encoder.layer.%d.intermediate.dense.weight", i);
    lt_bind(b, &block->up_bias, LT_ROLE_VECTOR, wide_row,
            "encoder.layer.%d.intermediate.dense.bias", i);
    lt_bind(b, &block->down, LT_ROLE_MATRIX, lt_shape2(cfg->hidden_size, cfg->intermediate_size),
            "encoder.layer.%d.output.dense.weight", i);
    lt_bind(b, &block->down_bias, LT_ROLE_VECTOR, row, "encoder.layer.%d.output.dense.bias", i);
}

void tok_theia_bind(lt_binder *b, const cfg_theia *cfg, tok_theia *net)
{
    const int64_t d = cfg->hidden_size;
    const int64_t trained = cfg->image_size / cfg->patch_size;
    lt_bind(b, &net->class_token, LT_ROLE_VECTOR, lt_shape2(1, d), "embeddings.cls_token");
    lt_bind(b, &net->positions, LT_ROLE_VECTOR, lt_shape2(trained * trained + 1, d),
            "embeddings.position_embeddings");
    lt_bind(b, &net->patch, LT_ROLE_MATRIX,
            lt_shape2(d, 3 * (int64_t)cfg->patch_size * cfg->patch_size),
            "embeddings.patch_embeddings.projection.weight");
    lt_bind(b, &net->patch_bias, LT_ROLE_VECTOR, lt_shape1(d),
            "embeddings.patch_embeddings.projection.bias");
    for (int i = 0; i < cfg->num_hidden_layers; i++)
        bind_block(b, cfg, &net->blocks[i], i);
    lt_bind(b, &net->norm, LT_ROLE_VECTOR, lt_shape1(d), "layernorm.weight");
    lt_bind(b, &net->norm_bias, LT_ROLE_VECTOR, lt_shape1(d), "layernorm.bias");
}

/* ---- before and after the network, on the host ---- */

int tok_theia_side(const cfg_theia *cfg, int height, int width)
{
    return (height > width ? height : width) / cfg->patch_size;
}

void tok_theia_patches(const cfg_theia *cfg, const uint8_t *picture, int height, int width,
                       float *patches)
{
    const int side = tok_theia_side(cfg, height, width);
    const int size = cfg->patch_size;
    float *out = patches; /* a patch is [channel, row, column], as its matrix was a convolution */
    for (int patch = 0; patch < side * side; patch++)
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < size * size; i++) {
                const int y = patch / side * size + i / size;
                const int x = patch % side * size + i % size;
                const bool inside = y < height && x < width;
                const int value = inside ? picture[((int64_t)y * width + x) * 3 + c] : 127;
                *out++ = ((float)value - 127.5f) / 127.5f;
            }
}

void tok_theia_fit(const cfg_tokenizer *cfg, const float *square, int side, float *grid)
{
    const int64_t d = cfg->theia.hidden_size;
    for (int y = 0; y < cfg->grid_height; y++)
        for (int x = 0; x < cfg->grid_width; x++, grid += d) {
            if (y < side && x < side)
                memcpy(grid, square + ((int64_t)y * side + x) * d, (size_t)d * sizeof *grid);
            else
                memset(grid, 0, (size_t)d * sizeof *grid);
        }
}

/* ---- the network ---- */

static void add_attention(lt_ops *o, const cfg_theia *cfg, const tok_theia_block *block,
                          lt_tensor x)
{
    const int64_t n = x.dim[0];
    const int64_t d = cfg->hidden_size / cfg->num_attention_heads;
    const lt_shape heads = lt_shape3(n, cfg->num_attention_heads, d);
    const lt_attention_args args = {.scale = 1.0f / sqrtf((float)d)};
    const lt_tensor normed =
        tok_norm(o, x, &block->norm_1, &block->norm_1_bias, cfg->layer_norm_eps);
    const lt_tensor q =
        lt_reshape(lt_linear(o, normed, &block->q, &block->q_bias, LT_ACT_NONE), heads);
    const lt_tensor k =
        lt_reshape(lt_linear(o, normed, &block->k, &block->k_bias, LT_ACT_NONE), heads);
    const lt_tensor v =
        lt_reshape(lt_linear(o, normed, &block->v, &block->v_bias, LT_ACT_NONE), heads);
    const lt_tensor found =
        lt_reshape(lt_attention(o, q, k, v, &args), lt_shape2(n, cfg->hidden_size));
    lt_linear_add_into(o, x, found, &block->out, &block->out_bias);
}

static void add_mlp(lt_ops *o, const cfg_theia *cfg, const tok_theia_block *block, lt_tensor x)
{
    const lt_tensor normed =
        tok_norm(o, x, &block->norm_2, &block->norm_2_bias, cfg->layer_norm_eps);
    const lt_tensor hidden =
        lt_linear(o, normed, &block->up, &block->up_bias, LT_ACT_GELU_ERF); /* [n, intermediate] */
    lt_linear_add_into(o, x, hidden, &block->down, &block->down_bias);
}

lt_tensor tok_theia_forward(lt_ops *o, const cfg_theia *cfg, const tok_theia *net,
                            const float *patches, lt_tensor positions)
{
    const int64_t count = positions.dim[0] - 1;
    const lt_tensor x = lt_cast(o, positions, LT_F32); /* [1 + patches, hidden] */
    const lt_tensor given =
        lt_from_host(o, patches, LT_F32, lt_shape2(count, net->patch.value.dim[1]));
    const lt_tensor embedded =
        lt_linear(o, lt_cast(o, given, o->dtype), &net->patch, &net->patch_bias, LT_ACT_NONE);
    lt_add_into(o, lt_slice(x, 0, 0, 1), net->class_token.value);
    lt_add_into(o, lt_slice(x, 0, 1, count), embedded);
    for (int i = 0; i < cfg->num_hidden_layers; i++) {
        const lt_mark mark = lt_ops_mark(o);
        add_attention(o, cfg, &net->blocks[i], x);
        lt_ops_rewind(o, mark);
        add_mlp(o, cfg, &net->blocks[i], x);
        lt_ops_rewind(o, mark);
    }
    const lt_tensor out = lt_new(o, LT_F32, lt_shape_of(&x));
    lt_modulated_norm_into(o, out, x, &net->norm, &net->norm_bias, cfg->layer_norm_eps, lt_none(),
                           lt_none());
    return out;
}
