/* tok_encoder.c - features of a segment to latents: queries of each frame gather what the frames up
 * to it show.
 *
 * Visual rows see the visual rows of their own and earlier frames, never a latent. Latents see the
 * same, and the latents up to themselves. So keys and values lie twice in memory: visual rows
 * alone, and all rows frame by frame.
 */
#include "tokenizer/tok_network.h"

static const float norm_epsilon = 1e-5f;

void tok_encoder_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_encoder *net)
{
    const int d = cfg->width;
    lt_bind(b, &net->patch, LT_ROLE_MATRIX, lt_shape2(d, cfg->feature_channels),
            "encoder.patch_embed.weight");
    lt_bind(b, &net->patch_bias, LT_ROLE_VECTOR, lt_shape1(d), "encoder.patch_embed.bias");
    lt_bind(b, &net->i_queries, LT_ROLE_VECTOR, lt_shape2(cfg->i_tokens, d),
            "encoder.IFrame_latent_tokens");
    lt_bind(b, &net->p_queries, LT_ROLE_VECTOR, lt_shape2(cfg->p_tokens, d),
            "encoder.PFrame_latent_tokens");
    lt_bind(b, &net->pre_norm, LT_ROLE_VECTOR, lt_shape1(d), "encoder.ln_pre.weight");
    lt_bind(b, &net->pre_norm_bias, LT_ROLE_VECTOR, lt_shape1(d), "encoder.ln_pre.bias");
    for (int i = 0; i < cfg->layers; i++)
        tok_block_bind(b, cfg, &net->blocks[i], "encoder", i);
    lt_bind(b, &net->post_norm, LT_ROLE_VECTOR, lt_shape1(d), "encoder.ln_post.weight");
    lt_bind(b, &net->post_norm_bias, LT_ROLE_VECTOR, lt_shape1(d), "encoder.ln_post.bias");
    lt_bind(b, &net->project, LT_ROLE_MATRIX, lt_shape2(d, d), "encoder.proj_out.weight");
    lt_bind(b, &net->project_bias, LT_ROLE_VECTOR, lt_shape1(d), "encoder.proj_out.bias");
}

/* A segment on its way through the blocks. */
typedef struct {
    const cfg_tokenizer *cfg;
    lt_tensor x; /* [rows, width] f32, frame by frame */
    const tok_sequence *sequence;
    tok_memory all;    /* of all rows */
    tok_memory visual; /* of the visual rows */
} segment;

/* Rows of x: the visual rows of a frame and its latents, normalised once before the first block. */
static void start_frame(lt_ops *o, const tok_encoder *net, const segment *s, const float *features,
                        int frame)
{
    const cfg_tokenizer *cfg = s->cfg;
    const int64_t patches = tok_frame_patches(cfg);
    const int64_t begin = tok_rows_before(cfg, frame);
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor given =
        lt_from_host(o, features, LT_F32, lt_shape2(patches, cfg->feature_channels));
    const lt_tensor embedded =
        lt_linear(o, lt_cast(o, given, o->dtype), &net->patch, &net->patch_bias, LT_ACT_NONE);
    lt_modulated_norm_into(o, lt_slice(s->x, 0, begin, patches), lt_cast(o, embedded, LT_F32),
                           &net->pre_norm, &net->pre_norm_bias, norm_epsilon, lt_none(), lt_none());
    /* [tokens, width] f32 */
    const lt_tensor queries = frame == 0 ? net->i_queries.value : net->p_queries.value;
    lt_modulated_norm_into(o, lt_slice(s->x, 0, begin + patches, tok_frame_tokens(cfg, frame)),
                           queries, &net->pre_norm, &net->pre_norm_bias, norm_epsilon, lt_none(),
                           lt_none());
    lt_ops_rewind(o, mark);
}

static void remember_frame(lt_ops *o, const tok_block *block, const segment *s, int frame)
{
    const cfg_tokenizer *cfg = s->cfg;
    const int64_t patches = tok_frame_patches(cfg);
    const int64_t begin = tok_rows_before(cfg, frame);
    const int64_t rows = tok_frame_rows(cfg, frame);
    tok_block_remember(o, cfg, block, lt_slice(s->x, 0, begin, rows),
                       tok_angles_slice(s->sequence->angles, begin, rows),
                       tok_memory_slice(s->all, begin, rows));
    const tok_memory from = tok_memory_slice(s->all, begin, patches);
    const tok_memory to = tok_memory_slice(s->visual, frame * patches, patches);
    lt_copy_into(o, to.keys, from.keys);
    lt_copy_into(o, to.values, from.values);
}

static void forward_visual(lt_ops *o, const tok_block *block, const segment *s, int frame)
{
    const cfg_tokenizer *cfg = s->cfg;
    const int64_t patches = tok_frame_patches(cfg);
    const int64_t begin = tok_rows_before(cfg, frame);
    tok_block_forward(o, cfg, block, lt_slice(s->x, 0, begin, patches),
                      tok_angles_slice(s->sequence->angles, begin, patches),
                      tok_memory_slice(s->visual, 0, (frame + 1) * patches), lt_none());
}

/* Row i of all rows sees the rows up to itself. */
static void forward_latents(lt_ops *o, const tok_block *block, const segment *s, int frame)
{
    const cfg_tokenizer *cfg = s->cfg;
    const int64_t begin = tok_rows_before(cfg, frame) + tok_frame_patches(cfg);
    const int64_t tokens = tok_frame_tokens(cfg, frame);
    tok_block_forward(o, cfg, block, lt_slice(s->x, 0, begin, tokens),
                      tok_angles_slice(s->sequence->angles, begin, tokens),
                      tok_memory_slice(s->all, 0, begin + tokens),
                      lt_slice(s->sequence->counts, 0, begin, tokens));
}

lt_tensor tok_encoder_latents(lt_ops *o, const cfg_tokenizer *cfg, const tok_encoder *net,
                              const tok_sequence *sequence, const float *features, int frames)
{
    const int64_t patches = tok_frame_patches(cfg);
    const int64_t rows = tok_rows_before(cfg, frames);
    const lt_tensor latents =
        lt_new(o, o->dtype, lt_shape2(tok_tokens_before(cfg, frames), cfg->width));
    segment s = {
        .cfg = cfg, .sequence = sequence, .x = lt_new(o, LT_F32, lt_shape2(rows, cfg->width))};
    s.all = tok_memory_new(o, cfg, rows);
    s.visual = tok_memory_new(o, cfg, frames * patches);
    for (int f = 0; f < frames; f++)
        start_frame(o, net, &s, features + (int64_t)f * patches * cfg->feature_channels, f);
    for (int layer = 0; layer < cfg->layers; layer++) {
        const tok_block *block = &net->blocks[layer];
        for (int f = 0; f < frames; f++)
            remember_frame(o, block, &s, f);
        for (int f = 0; f < frames; f++) {
            if (layer + 1 < cfg->layers) /* nobody looks at the visual rows after the last block */
                forward_visual(o, block, &s, f);
            forward_latents(o, block, &s, f);
        }
    }
    for (int f = 0; f < frames; f++) {
        const lt_mark mark = lt_ops_mark(o);
        const lt_tensor x =
            lt_slice(s.x, 0, tok_rows_before(cfg, f) + patches, tok_frame_tokens(cfg, f));
        const lt_tensor out =
            lt_slice(latents, 0, tok_tokens_before(cfg, f), tok_frame_tokens(cfg, f));
        const lt_tensor normed =
            tok_norm(o, x, &net->post_norm, &net->post_norm_bias, norm_epsilon);
        lt_linear_into(o, out, normed, &net->project, &net->project_bias, LT_ACT_NONE);
        lt_ops_rewind(o, mark);
    }
    return latents;
}
