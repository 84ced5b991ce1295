/* release_names.c - the lists, network by network in the order of the data. */
#include "pipeline/import/release_names.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/core/status.h"

enum { NAME_BYTES = 192 };

static void add(release_names *names, lt_shape shape, const char *format, ...) LT_PRINTF(3, 4);
static void add(release_names *names, lt_shape shape, const char *format, ...)
{
    if (names->count == names->capacity) {
        const int capacity = names->capacity ? 2 * names->capacity : 256;
        release_tensor *const grown = realloc(names->list, (size_t)capacity * sizeof *grown);
        names->no_memory |= !grown;
        if (!grown)
            return;
        names->list = grown;
        names->capacity = capacity;
    }
    va_list arguments;
    va_start(arguments, format);
    char *name = NULL;
    const bool made = vasprintf(&name, format, arguments) >= 0;
    va_end(arguments);
    if (made)
        names->list[names->count++] = (release_tensor){.name = name, .shape = shape};
    else
        names->no_memory = true;
}

/* The matrix of a linear layer. */
static void add_matrix(release_names *names, int64_t out, int64_t in, const char *format, ...)
    LT_PRINTF(4, 5);
static void add_matrix(release_names *names, int64_t out, int64_t in, const char *format, ...)
{
    char name[NAME_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    add(names, lt_shape2(out, in), "%s", name);
}

/* A name made of parts; our names are far shorter than the room. */
static const char *name_of(char out[NAME_BYTES], const char *format, ...) LT_PRINTF(2, 3);
static const char *name_of(char out[NAME_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, NAME_BYTES, format, arguments);
    va_end(arguments);
    return out;
}

/* NAME.weight of any shape and NAME.bias of its first dimension. */
static void add_pair(release_names *names, lt_shape weight, const char *format, ...)
    LT_PRINTF(3, 4);
static void add_pair(release_names *names, lt_shape weight, const char *format, ...)
{
    char name[NAME_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    add(names, weight, "%s.weight", name);
    add(names, lt_shape1(weight.dim[0]), "%s.bias", name);
}

/* The same of a large matrix. */
static void add_linear(release_names *names, int64_t out, int64_t in, const char *format, ...)
    LT_PRINTF(4, 5);
static void add_linear(release_names *names, int64_t out, int64_t in, const char *format, ...)
{
    char name[NAME_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    add_matrix(names, out, in, "%s.weight", name);
    add(names, lt_shape1(out), "%s.bias", name);
}

void release_names_close(release_names *names)
{
    for (int i = 0; i < names->count; i++)
        free(names->list[i].name);
    free(names->list);
    *names = (release_names){0};
}

/* ---- text encoder ---- */

void release_names_text(release_names *names, const cfg_text *cfg)
{
    const int64_t d = cfg->d_model;
    const int64_t inner = (int64_t)cfg->num_heads * cfg->d_kv;
    add(names, lt_shape2(cfg->vocab_size, d), "shared.weight");
    if (names->count > 0)
        names->list[names->count - 1].alias = "encoder.embed_tokens.weight";
    add(names, lt_shape2(cfg->relative_attention_num_buckets, cfg->num_heads),
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
    for (int i = 0; i < cfg->num_layers; i++) {
        add_matrix(names, inner, d, "encoder.block.%d.layer.0.SelfAttention.q.weight", i);
        add_matrix(names, inner, d, "encoder.block.%d.layer.0.SelfAttention.k.weight", i);
        add_matrix(names, inner, d, "encoder.block.%d.layer.0.SelfAttention.v.weight", i);
        add_matrix(names, d, inner, "encoder.block.%d.layer.0.SelfAttention.o.weight", i);
        add(names, lt_shape1(d), "encoder.block.%d.layer.0.layer_norm.weight", i);
        add_matrix(names, cfg->d_ff, d, "encoder.block.%d.layer.1.DenseReluDense.wi_0.weight", i);
        add_matrix(names, cfg->d_ff, d, "encoder.block.%d.layer.1.DenseReluDense.wi_1.weight", i);
        add_matrix(names, d, cfg->d_ff, "encoder.block.%d.layer.1.DenseReluDense.wo.weight", i);
        add(names, lt_shape1(d), "encoder.block.%d.layer.1.layer_norm.weight", i);
    }
    add(names, lt_shape1(d), "encoder.final_layer_norm.weight");
}

/* ---- tokenizer ---- */

static void add_tokenizer_half(release_names *names, const cfg_tokenizer *cfg, const char *half)
{
    const int64_t d = cfg->width;
    for (int i = 0; i < cfg->layers; i++) {
        add_pair(names, lt_shape1(d), "%s.transformer.%d.ln_1", half, i);
        add_matrix(names, d, d, "%s.transformer.%d.attn.wq.weight", half, i);
        add_matrix(names, d, d, "%s.transformer.%d.attn.wk.weight", half, i);
        add_matrix(names, d, d, "%s.transformer.%d.attn.wv.weight", half, i);
        add_matrix(names, d, d, "%s.transformer.%d.attn.wo.weight", half, i);
        add_pair(names, lt_shape1(d), "%s.transformer.%d.ln_2", half, i);
        add_linear(names, cfg->mlp_width, d, "%s.transformer.%d.mlp.c_fc", half, i);
        add_linear(names, d, cfg->mlp_width, "%s.transformer.%d.mlp.c_proj", half, i);
    }
    add_pair(names, lt_shape1(d), "%s.ln_pre", half);
    add_pair(names, lt_shape1(d), "%s.ln_post", half);
}

void release_names_tokenizer(release_names *names, const cfg_tokenizer *cfg)
{
    const int64_t d = cfg->width;
    const int64_t channels = cfg->feature_channels;
    add(names, lt_shape2(cfg->i_tokens, d), "encoder.IFrame_latent_tokens");
    add(names, lt_shape2(cfg->p_tokens, d), "encoder.PFrame_latent_tokens");
    add_pair(names, lt_shape4(d, channels, 1, 1), "encoder.patch_embed");
    add_tokenizer_half(names, cfg, "encoder");
    add_linear(names, d, d, "encoder.proj_out");
    add_pair(names, lt_shape2(cfg->code_dim, d), "quantizer.project_in");
    add_pair(names, lt_shape2(d, cfg->code_dim), "quantizer.project_out");
    add(names, lt_shape3(1, cfg->codebook_size, cfg->code_dim), "quantizer._codebook.embed");
    add(names, lt_shape3(1, cfg->codebook_size, cfg->code_dim), "quantizer._codebook.embed_avg");
    add(names, lt_shape2(1, cfg->codebook_size), "quantizer._codebook.cluster_size");
    add(names, lt_shape1(1), "quantizer._codebook.initted");
    add(names, lt_shape3(1, 1, d), "decoder.mask_token");
    add_linear(names, d, d, "decoder.decoder_embed");
    add_tokenizer_half(names, cfg, "decoder");
    add_linear(names, cfg->head_width, d, "decoder.ffn.0");
    add_linear(names, channels, cfg->head_width, "decoder.ffn.2");
    add(names, lt_shape1(channels), "mean");
    add(names, lt_shape1(channels), "std");
}

void release_names_theia(release_names *names, const cfg_theia *cfg)
{
    const int64_t d = cfg->hidden_size;
    const int64_t side = cfg->image_size / cfg->patch_size;
    add(names, lt_shape3(1, 1, d), "embeddings.cls_token");
    add(names, lt_shape3(1, 1 + side * side, d), "embeddings.position_embeddings");
    add_pair(names, lt_shape4(d, 3, cfg->patch_size, cfg->patch_size),
             "embeddings.patch_embeddings.projection");
    for (int i = 0; i < cfg->num_hidden_layers; i++) {
        static const char *const parts[] = {"attention.attention.query", "attention.attention.key",
                                            "attention.attention.value", "attention.output.dense"};
        for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++)
            add_linear(names, d, d, "encoder.layer.%d.%s", i, parts[part]);
        add_pair(names, lt_shape1(d), "encoder.layer.%d.layernorm_before", i);
        add_pair(names, lt_shape1(d), "encoder.layer.%d.layernorm_after", i);
        add_linear(names, cfg->intermediate_size, d, "encoder.layer.%d.intermediate.dense", i);
        add_linear(names, d, cfg->intermediate_size, "encoder.layer.%d.output.dense", i);
    }
    add_pair(names, lt_shape1(d), "layernorm");
}

/* ---- language model ---- */

static void add_micro_condition(release_names *names, const cfg_ar *cfg, const char *key)
{
    add_linear(names, cfg->micro_width, cfg->micro_sinusoid, "micro_condition.mlps.%s.0", key);
    add_linear(names, cfg->width, cfg->micro_width, "micro_condition.mlps.%s.2", key);
}

void release_names_ar(release_names *names, const cfg_ar *cfg)
{
    const int64_t d = cfg->width;
    add(names, lt_shape2(cfg->vocab_size, d), "visual_embedding_model.tok_emb_code.weight");
    add(names, lt_shape1(d), "cond_model.null_text_embedding");
    add_linear(names, d, cfg->text_width, "cond_model.embeddings.fc0");
    add_linear(names, d, d, "cond_model.embeddings.fc1");
    add_micro_condition(names, cfg, "frames");
    add_micro_condition(names, cfg, "motion_score");
    for (int i = 0; i < cfg->layers; i++) {
        add(names, lt_shape1(d), "transformer.blocks.%d.norm0.weight", i);
        add(names, lt_shape1(d), "transformer.blocks.%d.norm1.weight", i);
        add_matrix(names, 3 * d, d, "transformer.blocks.%d.wqkv.weight", i);
        add_matrix(names, d, d, "transformer.blocks.%d.wo.weight", i);
        add_matrix(names, cfg->mlp_width, d, "transformer.blocks.%d.mlp.w1.weight", i);
        add_matrix(names, d, cfg->mlp_width, "transformer.blocks.%d.mlp.w2.weight", i);
        add_matrix(names, cfg->mlp_width, d, "transformer.blocks.%d.mlp.w3.weight", i);
    }
    add_pair(names, lt_shape1(d), "transformer.layer_norm");
    /* f32 in the release, stays as it is */
    add(names, lt_shape2(cfg->vocab_size, d), "transformer.head.weight");
}

/* ---- diffusion ---- */

/* What both branches have, with `layers` layers. */
static void add_branch(release_names *names, const cfg_mmdit *cfg, int layers)
{
    const int64_t d = cfg->width;
    const int64_t head = d / cfg->heads;
    add_pair(names, lt_shape2(cfg->time_width, d), "time_embed.0");
    add_pair(names, lt_shape2(cfg->time_width, cfg->time_width), "time_embed.2");
    add_pair(names, lt_shape4(d, cfg->latent_channels, cfg->patch, cfg->patch),
             "mixins.patch_embed.proj");
    add_pair(names, lt_shape2(d, cfg->text_width), "mixins.patch_embed.text_proj");
    for (int i = 0; i < layers; i++) {
        add_linear(names, 12 * d, cfg->time_width, "mixins.adaln_layer.adaLN_modulations.%d.1", i);
        add_pair(names, lt_shape1(head), "mixins.adaln_layer.query_layernorm_list.%d", i);
        add_pair(names, lt_shape1(head), "mixins.adaln_layer.key_layernorm_list.%d", i);
        add_pair(names, lt_shape1(d), "transformer.layers.%d.input_layernorm", i);
        add_linear(names, 3 * d, d, "transformer.layers.%d.attention.query_key_value", i);
        add_linear(names, d, d, "transformer.layers.%d.attention.dense", i);
        add_pair(names, lt_shape1(d), "transformer.layers.%d.post_attention_layernorm", i);
        add_linear(names, cfg->mlp_width, d, "transformer.layers.%d.mlp.dense_h_to_4h", i);
        add_linear(names, d, cfg->mlp_width, "transformer.layers.%d.mlp.dense_4h_to_h", i);
    }
    add_pair(names, lt_shape1(d), "transformer.final_layernorm");
}

void release_names_main(release_names *names, const cfg_mmdit *cfg)
{
    const int64_t d = cfg->width;
    add_branch(names, cfg, cfg->layers);
    add_pair(names, lt_shape1(d), "mixins.final_layer.norm_final");
    add_pair(names, lt_shape2(2 * d, cfg->time_width), "mixins.final_layer.adaLN_modulation.1");
    add_pair(names, lt_shape2((int64_t)cfg->latent_channels * cfg->patch * cfg->patch, d),
             "mixins.final_layer.linear");
}

static void add_residual(release_names *names, int64_t in, int64_t out, const char *name)
{
    add_pair(names, lt_shape1(in), "%s.norm1", name);
    add_pair(names, lt_shape4(out, in, 3, 3), "%s.conv1", name);
    add_pair(names, lt_shape1(out), "%s.norm2", name);
    add_pair(names, lt_shape4(out, out, 3, 3), "%s.conv2", name);
    if (in != out)
        add_pair(names, lt_shape4(out, in, 1, 1), "%s.nin_shortcut", name);
}

static void add_upsampler(release_names *names, const cfg_upsample *cfg)
{
    static const char *const model = "semantic_conditioner.upsample_model";
    char name[NAME_BYTES];
    int64_t width = (int64_t)(cfg->base_width * cfg->multipliers[cfg->multiplier_count - 1]);
    add_pair(names, lt_shape4(width, cfg->in_channels, 3, 3), "%s.conv_in", model);
    add_residual(names, width, width, name_of(name, "%s.mid.block_1", model));
    add_residual(names, width, width, name_of(name, "%s.mid.block_2", model));
    for (int level = cfg->multiplier_count - 1; level >= 0; level--) {
        const int64_t out = (int64_t)(cfg->base_width * cfg->multipliers[level]);
        for (int i = 0; i <= cfg->blocks; i++) { /* one more than the official count */
            add_residual(names, width, out, name_of(name, "%s.up.%d.block.%d", model, level, i));
            width = out;
        }
        if (level > 0) /* behind a pixel shuffle, which leaves a quarter of the channels */
            add_pair(names, lt_shape4(width, width / 4, 3, 3), "%s.up.%d.upsample.conv", model,
                     level);
    }
    add_pair(names, lt_shape1(width), "%s.norm_out", model);
    add_pair(names, lt_shape4(cfg->out_channels, width, 3, 3), "%s.conv_out", model);
}

void release_names_control(release_names *names, const cfg_mmdit *cfg)
{
    add_branch(names, cfg, cfg->control_layers);
    for (int i = 0; i < cfg->control_layers; i++)
        add_matrix(names, cfg->width, cfg->width, "mixins.adaln_layer.zero_linears.%d.weight", i);
    add_upsampler(names, &cfg->upsample);
    add_pair(names, lt_shape4(cfg->latent_channels, cfg->upsample.out_channels, 3, 3),
             "semantic_conditioner.conv_out");
}

/* ---- temporal VAE ---- */

/* A norm of the encoder, or with `latents` channels of the latent one of the decoder, which is
 * steered by it. */
static void add_vae_norm(release_names *names, int64_t width, int64_t latents, const char *name)
{
    add_pair(names, lt_shape1(width), "%s%s", name, latents > 0 ? ".norm_layer" : "");
    if (latents == 0)
        return;
    add_pair(names, lt_shape5(width, latents, 1, 1, 1), "%s.conv_y.conv", name);
    add_pair(names, lt_shape5(width, latents, 1, 1, 1), "%s.conv_b.conv", name);
}

static void add_vae_block(release_names *names, int64_t in, int64_t out, int64_t latents,
                          const char *name)
{
    char part[NAME_BYTES];
    add_vae_norm(names, in, latents, name_of(part, "%s.norm1", name));
    add_pair(names, lt_shape5(out, in, 3, 3, 3), "%s.conv1.conv", name);
    add_vae_norm(names, out, latents, name_of(part, "%s.norm2", name));
    add_pair(names, lt_shape5(out, out, 3, 3, 3), "%s.conv2.conv", name);
    if (in != out)
        add_pair(names, lt_shape5(out, in, 1, 1, 1), "%s.nin_shortcut", name);
}

static void add_vae_mid(release_names *names, int64_t width, int64_t latents, const char *side)
{
    char name[NAME_BYTES];
    add_vae_block(names, width, width, latents, name_of(name, "%s.mid.block_1", side));
    add_vae_block(names, width, width, latents, name_of(name, "%s.mid.block_2", side));
}

/* The blocks of one level, the first of which goes from width `in` to `out`. */
static void add_vae_level(release_names *names, int64_t in, int64_t out, int64_t latents,
                          int blocks, const char *level)
{
    char name[NAME_BYTES];
    for (int i = 0; i < blocks; i++)
        add_vae_block(names, i == 0 ? in : out, out, latents,
                      name_of(name, "%s.block.%d", level, i));
}

static void add_vae_encoder(release_names *names, const cfg_vae *cfg)
{
    char name[NAME_BYTES];
    int64_t width = cfg->base_width;
    add_pair(names, lt_shape5(width, cfg->in_channels, 3, 3, 3), "encoder.conv_in.conv");
    for (int level = 0; level < cfg->multiplier_count; level++) {
        const int64_t out = (int64_t)cfg->base_width * cfg->multipliers[level];
        add_vae_level(names, width, out, 0, cfg->encoder_blocks,
                      name_of(name, "encoder.down.%d", level));
        width = out;
        if (level < cfg->multiplier_count - 1)
            add_pair(names, lt_shape4(width, width, 3, 3), "encoder.down.%d.downsample.conv",
                     level);
    }
    add_vae_mid(names, width, 0, "encoder");
    add_vae_norm(names, width, 0, "encoder.norm_out");
    add_pair(names, lt_shape5(2 * (int64_t)cfg->latent_channels, width, 3, 3, 3),
             "encoder.conv_out.conv");
}

static void add_vae_decoder(release_names *names, const cfg_vae *cfg)
{
    char name[NAME_BYTES];
    const int64_t latents = cfg->latent_channels;
    int64_t width = (int64_t)cfg->base_width * cfg->multipliers[cfg->multiplier_count - 1];
    add_pair(names, lt_shape5(width, latents, 3, 3, 3), "decoder.conv_in.conv");
    add_vae_mid(names, width, latents, "decoder");
    for (int level = cfg->multiplier_count - 1; level >= 0; level--) {
        const int64_t out = (int64_t)cfg->base_width * cfg->multipliers[level];
        add_vae_level(names, width, out, latents, cfg->decoder_blocks,
                      name_of(name, "decoder.up.%d", level));
        width = out;
        if (level > 0)
            add_pair(names, lt_shape4(width, width, 3, 3), "decoder.up.%d.upsample.conv", level);
    }
    add_vae_norm(names, width, latents, "decoder.norm_out");
    add_pair(names, lt_shape5(cfg->in_channels, width, 3, 3, 3), "decoder.conv_out.conv");
}

void release_names_vae(release_names *names, const cfg_vae *cfg)
{
    add_vae_encoder(names, cfg);
    add_vae_decoder(names, cfg);
}
