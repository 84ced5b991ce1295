/* tok_decoder.c - codes of a segment to features: a mask row at every visual place gathers what the
 * codes up to its frame say.
 *
 * Any row, visual or code, sees all rows of its own and earlier frames. With rows frame by frame
 * that is every key there is up to the end of the frame, so a frame is one call.
 */
#include "tokenizer/tok_network.h"

static const float norm_epsilon = 1e-5f;

void tok_decoder_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_decoder *net)
{
    const int d = cfg->width;
    lt_bind(b, &net->mask, LT_ROLE_VECTOR, lt_shape2(1, d), "decoder.mask_token");
    lt_bind(b, &net->embed, LT_ROLE_MATRIX, lt_shape2(d, d), "decoder.decoder_embed.weight");
    lt_bind(b, &net->embed_bias, LT_ROLE_VECTOR, lt_shape1(d), "decoder.decoder_embed.bias");
    lt_bind(b, &net->pre_norm, LT_ROLE_VECTOR, lt_shape1(d), "decoder.ln_pre.weight");
    lt_bind(b, &net->pre_norm_bias, LT_ROLE_VECTOR, lt_shape1(d), "decoder.ln_pre.bias");
    for (int i = 0; i < cfg->layers; i++)
        tok_block_bind(b, cfg, &net->blocks[i], "decoder", i);
    lt_bind(b, &net->post_norm, LT_ROLE_VECTOR, lt_shape1(d), "decoder.ln_post.weight");
    lt_bind(b, &net->post_norm_bias, LT_ROLE_VECTOR, lt_shape1(d), "decoder.ln_post.bias");
    lt_bind(b, &net->head_in, LT_ROLE_MATRIX, lt_shape2(cfg->head_width, d),
            "decoder.ffn.0.weight");
    lt_bind(b, &net->head_in_bias, LT_ROLE_VECTOR, lt_shape1(cfg->head_width),
            "decoder.ffn.0.bias");
    lt_bind(b, &net->head_out, LT_ROLE_MATRIX, lt_shape2(cfg->feature_channels, cfg->head_width),
            "decoder.ffn.2.weight");
    lt_bind(b, &net->head_out_bias, LT_ROLE_VECTOR, lt_shape1(cfg->feature_channels),
            "decoder.ffn.2.bias");
}

/* x [rows, width] f32, frame by frame: mask rows and embedded codes, normalised
 * once before the first block. */
static lt_tensor start_segment(lt_ops *o, const cfg_tokenizer *cfg, const tok_decoder *net,
                               lt_tensor codes, int frames)
{
    const int64_t patches = tok_frame_patches(cfg);
    const lt_tensor x = lt_new(o, LT_F32, lt_shape2(tok_rows_before(cfg, frames), cfg->width));
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor embedded =
        lt_linear(o, codes, &net->embed, &net->embed_bias, LT_ACT_NONE); /* [tokens, width] */
    const lt_tensor stream = lt_cast(o, embedded, LT_F32);
    const lt_tensor mask = lt_new(o, LT_F32, lt_shape2(1, cfg->width));
    lt_modulated_norm_into(o, mask, net->mask.value, &net->pre_norm, &net->pre_norm_bias,
                           norm_epsilon, lt_none(), lt_none());
    for (int f = 0; f < frames; f++) {
        const int64_t begin = tok_rows_before(cfg, f);
        const int64_t tokens = tok_frame_tokens(cfg, f);
        const lt_tensor visual = lt_slice(x, 0, begin, patches);
        lt_fill_into(o, visual, 0);
        lt_add_into(o, visual, mask);
        lt_modulated_norm_into(o, lt_slice(x, 0, begin + patches, tokens),
                               lt_slice(stream, 0, tok_tokens_before(cfg, f), tokens),
                               &net->pre_norm, &net->pre_norm_bias, norm_epsilon, lt_none(),
                               lt_none());
    }
    lt_ops_rewind(o, mark);
    return x;
}

static void forward_layer(lt_ops *o, const cfg_tokenizer *cfg, const tok_decoder *net,
                          const tok_sequence *sequence, tok_memory memory, lt_tensor x, int frames,
                          int layer)
{
    const tok_block *block = &net->blocks[layer];
    for (int f = 0; f < frames; f++) {
        const int64_t begin = tok_rows_before(cfg, f);
        const int64_t rows = tok_frame_rows(cfg, f);
        tok_block_remember(o, cfg, block, lt_slice(x, 0, begin, rows),
                           tok_angles_slice(sequence->angles, begin, rows),
                           tok_memory_slice(memory, begin, rows));
    }
    for (int f = 0; f < frames; f++) {
        const int64_t begin = tok_rows_before(cfg, f);
        const int64_t end = tok_rows_before(cfg, f + 1);
        /* nobody looks at the codes after the last block */
        const int64_t rows = layer + 1 < cfg->layers ? end - begin : tok_frame_patches(cfg);
        tok_block_forward(o, cfg, block, lt_slice(x, 0, begin, rows),
                          tok_angles_slice(sequence->angles, begin, rows),
                          tok_memory_slice(memory, 0, end), lt_none());
    }
}

void tok_decoder_head(lt_ops *o, const tok_decoder *net, lt_tensor x, float *features)
{
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor normed = tok_norm(o, x, &net->post_norm, &net->post_norm_bias, norm_epsilon);
    /* [patches, head_width] */
    const lt_tensor hidden = lt_linear(o, normed, &net->head_in, &net->head_in_bias, LT_ACT_TANH);
    const lt_tensor out = lt_linear(o, hidden, &net->head_out, &net->head_out_bias, LT_ACT_NONE);
    lt_download(o, features, lt_cast(o, out, LT_F32));
    lt_ops_rewind(o, mark);
}

void tok_decoder_features(lt_ops *o, const cfg_tokenizer *cfg, const tok_decoder *net,
                          const tok_sequence *sequence, lt_tensor codes, int frames,
                          float *features)
{
    const int64_t patches = tok_frame_patches(cfg);
    const lt_tensor x = start_segment(o, cfg, net, codes, frames);
    const tok_memory memory = tok_memory_new(o, cfg, tok_rows_before(cfg, frames));
    for (int layer = 0; layer < cfg->layers; layer++)
        forward_layer(o, cfg, net, sequence, memory, x, frames, layer);
    for (int f = 0; f < frames; f++)
        tok_decoder_head(o, net, lt_slice(x, 0, tok_rows_before(cfg, f), patches),
                         features + f * patches * cfg->feature_channels);
}
