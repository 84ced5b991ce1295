/* config_check.c - what the sizes of a configuration have to do with each other.
 *
 * One section's own rules first, then what neighbouring sections must agree on. Messages name both
 * keys and both values.
 */

#include <stdint.h>

#include "configs/model_config.h"

typedef struct {
    const char *place;
    lt_error *err;
} checking;

static lt_status require_equal(const checking *c, const char *key, int value, const char *other_key,
                               int other)
{
    if (value == other)
        return LT_OK;
    return lt_fail(c->err, LT_ERR_INPUT, "%s: '%s' is %d, expected %d as '%s'", c->place, key,
                   value, other, other_key);
}

static lt_status require_multiple(const checking *c, const char *key, int value, int of,
                                  const char *why)
{
    if (value % of == 0)
        return LT_OK;
    return lt_fail(c->err, LT_ERR_INPUT, "%s: '%s' is %d, expected a multiple of %d (%s)", c->place,
                   key, value, of, why);
}

enum { MAX_HEAD_WIDTH = 256 };

static lt_status check_heads(const checking *c, const char *width_key, int width,
                             const char *heads_key, int heads)
{
    if (width % heads != 0)
        return lt_fail(c->err, LT_ERR_INPUT, "%s: '%s' is %d, expected a multiple of '%s', %d",
                       c->place, width_key, width, heads_key, heads);
    if (width / heads > MAX_HEAD_WIDTH)
        return lt_fail(c->err, LT_ERR_INPUT,
                       "%s: '%s' / '%s' gives heads of %d channels, expected at most %d", c->place,
                       width_key, heads_key, width / heads, MAX_HEAD_WIDTH);
    return LT_OK;
}

/* Half of the buckets serve each direction, half of these count single steps, the rest grow up to
 * the largest distance. */
static lt_status check_text(const checking *c, const char *section, const cfg_text *text)
{
    const int single_steps = text->relative_attention_num_buckets / 4;
    if (text->relative_attention_max_distance > single_steps)
        return LT_OK;
    return lt_fail(
        c->err, LT_ERR_INPUT,
        "%s: '%s.relative_attention_max_distance' is %d, expected more than a quarter of the buckets, %d",
        c->place, section, text->relative_attention_max_distance, single_steps);
}

static lt_status require_beside(const checking *c, const char *codes, const char *key, double value)
{
    if (value > 0)
        return LT_OK;
    return lt_fail(c->err, LT_ERR_INPUT, "%s: '%s' is %g, expected more than 0 beside '%s'",
                   c->place, key, value, codes);
}

/* What is so of both kinds of codes that are a frame's own: a segment of one, on a grid of which
 * rows and columns are told one by one. */
static lt_status check_own_codes(const checking *c, const cfg_tokenizer *tok, const char *codes)
{
    if (tok->temporal_size != 1)
        return lt_fail(c->err, LT_ERR_INPUT,
                       "%s: 'tokenizer.temporal_size' is %d, expected 1 beside '%s'", c->place,
                       tok->temporal_size, codes);
    if (tok->grid_height > CFG_PICTURE_SIDE || tok->grid_width > CFG_PICTURE_SIDE)
        return lt_fail(
            c->err, LT_ERR_INPUT,
            "%s: the grid of 'tokenizer' is %d x %d, expected %d x %d at most beside '%s'",
            c->place, tok->grid_width, tok->grid_height, CFG_PICTURE_SIDE, CFG_PICTURE_SIDE, codes);
    return LT_OK;
}

/* Which picture codes there are the weights say. */
static lt_status check_pictures(const checking *c, const cfg_tokenizer *tok)
{
    static const char codes[] = "picture_codes";
    if (tok->picture_codes == 0)
        return LT_OK;
    LT_TRY(check_own_codes(c, tok, codes));
    if (tok->picture_codes >= tok->codebook_size)
        return lt_fail(
            c->err, LT_ERR_INPUT,
            "%s: 'tokenizer.picture_codes' is %d, expected less than 'codebook_size', %d", c->place,
            tok->picture_codes, tok->codebook_size);
    LT_TRY(require_beside(c, codes, "tokenizer.picture_distance", tok->picture_distance));
    LT_TRY(require_beside(c, codes, "tokenizer.picture_error", tok->picture_error));
    return require_beside(c, codes, "tokenizer.picture_width", tok->picture_width);
}

static lt_status check_spelled(const checking *c, const cfg_tokenizer *tok)
{
    static const char codes[] = "spelled_codes";
    if (tok->spelled_codes == 0)
        return LT_OK;
    LT_TRY(check_own_codes(c, tok, codes));
    if (tok->spelled_codes > tok->codebook_size - CFG_SPELLED_ENTRIES)
        return lt_fail(c->err, LT_ERR_INPUT,
                       "%s: 'tokenizer.spelled_codes' is %d of %d codes, expected %d from there on",
                       c->place, tok->spelled_codes, tok->codebook_size, CFG_SPELLED_ENTRIES);
    const int least = tok->grid_width + tok->grid_height + CFG_SPELLED_WHOLE;
    if (tok->i_tokens < least)
        return lt_fail(c->err, LT_ERR_INPUT,
                       "%s: 'tokenizer.i_tokens' is %d, expected %d at least beside '%s'", c->place,
                       tok->i_tokens, least, codes);
    LT_TRY(require_beside(c, codes, "tokenizer.spelled_step", tok->spelled_step));
    return require_beside(c, codes, "tokenizer.spelled_pace", tok->spelled_pace);
}

static lt_status check_tokenizer(const checking *c, const cfg_tokenizer *tok)
{
    const cfg_theia *theia = &tok->theia;
    LT_TRY(check_heads(c, "tokenizer.theia.hidden_size", theia->hidden_size,
                       "tokenizer.theia.num_attention_heads", theia->num_attention_heads));
    if (theia->image_size % theia->patch_size != 0)
        return lt_fail(
            c->err, LT_ERR_INPUT,
            "%s: 'tokenizer.theia.image_size' is %d, expected a multiple of 'patch_size', %d",
            c->place, theia->image_size, theia->patch_size);
    LT_TRY(check_heads(c, "tokenizer.width", tok->width, "tokenizer.heads", tok->heads));
    for (int i = 0; i < 3; i++)
        LT_TRY(require_multiple(c, "tokenizer.rope_dims", tok->rope_dims[i], 2,
                                "rotation takes channels in pairs"));
    LT_TRY(require_equal(c, "the sum of tokenizer.rope_dims",
                         tok->rope_dims[0] + tok->rope_dims[1] + tok->rope_dims[2],
                         "tokenizer.width / heads", tok->width / tok->heads));
    LT_TRY(check_pictures(c, tok));
    return check_spelled(c, tok);
}

/* Positions that the language model counts: begin, two conditions, text, end, and
 * the segments in its context. */
static int64_t positions_needed(const cfg_model *cfg)
{
    const cfg_ar *ar = &cfg->ar_model;
    const int64_t segment =
        2 + (int64_t)ar->i_tokens + (ar->segment_frames - 1) * (2 + (int64_t)ar->p_tokens);
    return 4 + cfg->text_ar.max_length + (1 + (int64_t)cfg->pipeline.lm_context) * segment;
}

static lt_status check_ar(const checking *c, const cfg_model *cfg)
{
    const cfg_ar *ar = &cfg->ar_model;
    const cfg_tokenizer *tok = &cfg->tokenizer;
    LT_TRY(check_heads(c, "ar_model.width", ar->width, "ar_model.heads", ar->heads));
    LT_TRY(require_multiple(c, "ar_model.width / heads", ar->width / ar->heads, 2,
                            "rotation takes channels in pairs"));
    LT_TRY(
        require_multiple(c, "ar_model.micro_sinusoid", ar->micro_sinusoid, 2, "cosines and sines"));
    LT_TRY(require_equal(c, "ar_model.text_width", ar->text_width, "text_encoder.d_model",
                         cfg->text_ar.d_model));
    LT_TRY(require_equal(c, "ar_model.codebook_size", ar->codebook_size, "tokenizer.codebook_size",
                         tok->codebook_size));
    LT_TRY(require_equal(c, "ar_model.vocab_size", ar->vocab_size, "codebook_size + 7",
                         ar->codebook_size + 7));
    LT_TRY(require_equal(c, "ar_model.segment_frames", ar->segment_frames,
                         "tokenizer.temporal_size", tok->temporal_size));
    LT_TRY(
        require_equal(c, "ar_model.i_tokens", ar->i_tokens, "tokenizer.i_tokens", tok->i_tokens));
    LT_TRY(
        require_equal(c, "ar_model.p_tokens", ar->p_tokens, "tokenizer.p_tokens", tok->p_tokens));
    const int64_t needed = positions_needed(cfg);
    if (ar->rope_length < needed)
        return lt_fail(
            c->err, LT_ERR_INPUT,
            "%s: 'ar_model.rope_length' is %d, expected at least %lld for the longest text and %d segments "
            "('pipeline.lm_context' and the new one)",
            c->place, ar->rope_length, (long long)needed, cfg->pipeline.lm_context + 1);
    return LT_OK;
}

enum { UPSAMPLE_GROUPS = 32 }; /* of its group norms, fixed by the release */

static lt_status check_upsample(const checking *c, const cfg_model *cfg)
{
    const cfg_upsample *up = &cfg->mmdit.upsample;
    LT_TRY(require_equal(c, "mmdit.upsample.in_channels", up->in_channels,
                         "tokenizer.feature_channels", cfg->tokenizer.feature_channels));
    for (int i = 0; i < up->multiplier_count; i++) {
        const double width = up->base_width * up->multipliers[i];
        if (width < UPSAMPLE_GROUPS ||
            width != UPSAMPLE_GROUPS * (double)(int64_t)(width / UPSAMPLE_GROUPS))
            return lt_fail(
                c->err, LT_ERR_INPUT,
                "%s: 'mmdit.upsample' level %d is %g channels wide, expected a multiple of %d",
                c->place, i, width, UPSAMPLE_GROUPS);
    }
    const int enlarged = 1 << (up->multiplier_count - 1);
    LT_TRY(require_equal(c, "mmdit.latent_height", cfg->mmdit.latent_height,
                         "tokenizer.grid_height, doubled by each level of mmdit.upsample but one",
                         cfg->tokenizer.grid_height * enlarged));
    return require_equal(c, "mmdit.latent_width", cfg->mmdit.latent_width,
                         "tokenizer.grid_width, doubled by each level of mmdit.upsample but one",
                         cfg->tokenizer.grid_width * enlarged);
}

static lt_status check_timesteps(const checking *c, const cfg_mmdit *dit)
{
    if (dit->timestep_count == 0)
        return LT_OK;
    if (dit->timestep_count != dit->steps)
        return lt_fail(
            c->err, LT_ERR_INPUT,
            "%s: 'mmdit.timesteps' lists %d, 'mmdit.steps' is %d\nhint: an empty list stands for "
            "the release's spacing",
            c->place, dit->timestep_count, dit->steps);
    for (int i = 1; i < dit->timestep_count; i++)
        if (dit->timesteps[i] >= dit->timesteps[i - 1])
            return lt_fail(c->err, LT_ERR_INPUT,
                           "%s: 'mmdit.timesteps' goes from %d to %d, expected descending values",
                           c->place, dit->timesteps[i - 1], dit->timesteps[i]);
    return LT_OK;
}

static lt_status check_mmdit(const checking *c, const cfg_model *cfg)
{
    const cfg_mmdit *dit = &cfg->mmdit;
    LT_TRY(check_heads(c, "mmdit.width", dit->width, "mmdit.heads", dit->heads));
    LT_TRY(require_multiple(c, "mmdit.width", dit->width, 16,
                            "sines and cosines of time, column and row: 1/4, 3/8, 3/8"));
    if (dit->control_layers > dit->layers)
        return lt_fail(c->err, LT_ERR_INPUT,
                       "%s: 'mmdit.control_layers' is %d, expected at most 'mmdit.layers', %d",
                       c->place, dit->control_layers, dit->layers);
    LT_TRY(require_equal(c, "mmdit.text_width", dit->text_width, "text_encoder.d_model",
                         cfg->text_mmdit.d_model));
    LT_TRY(require_equal(c, "mmdit.text_length", dit->text_length, "text_encoder.max_length",
                         cfg->text_mmdit.max_length));
    LT_TRY(require_equal(c, "mmdit.latent_channels", dit->latent_channels,
                         "temporal_vae.latent_channels", cfg->temporal_vae.latent_channels));
    LT_TRY(
        require_multiple(c, "mmdit.latent_height", dit->latent_height, dit->patch, "mmdit.patch"));
    LT_TRY(require_multiple(c, "mmdit.latent_width", dit->latent_width, dit->patch, "mmdit.patch"));
    LT_TRY(check_timesteps(c, dit));
    if (dit->latent_frames % 2 == 0)
        return lt_fail(
            c->err, LT_ERR_INPUT,
            "%s: 'mmdit.latent_frames' is %d, expected an odd count: one frame, then pairs of latents",
            c->place, dit->latent_frames);
    return check_upsample(c, cfg);
}

static lt_status check_vae(const checking *c, const cfg_vae *vae)
{
    LT_TRY(require_equal(c, "temporal_vae.in_channels", vae->in_channels, "red, green, blue", 3));
    if (vae->multiplier_count < 3)
        return lt_fail(
            c->err, LT_ERR_INPUT,
            "%s: 'temporal_vae.multipliers' has %d levels, expected at least 3 to halve time twice",
            c->place, vae->multiplier_count);
    for (int i = 0; i < vae->multiplier_count; i++)
        LT_TRY(require_multiple(c, "temporal_vae: the width of a level",
                                vae->base_width * vae->multipliers[i], vae->groups,
                                "temporal_vae.groups"));
    return LT_OK;
}

static lt_status check_pipeline(const checking *c, const cfg_model *cfg)
{
    const cfg_pipeline *p = &cfg->pipeline;
    const int pixels = 1 << (cfg->temporal_vae.multiplier_count - 1);
    LT_TRY(require_equal(c, "pipeline.width", p->width,
                         "mmdit.latent_width, doubled by each level of temporal_vae but one",
                         cfg->mmdit.latent_width * pixels));
    LT_TRY(require_equal(c, "pipeline.height", p->height,
                         "mmdit.latent_height, doubled by each level of temporal_vae but one",
                         cfg->mmdit.latent_height * pixels));
    LT_TRY(require_equal(c, "pipeline.width", p->width, "tokenizer.grid_width x theia.patch_size",
                         cfg->tokenizer.grid_width * cfg->tokenizer.theia.patch_size));
    LT_TRY(require_equal(c, "pipeline.height", p->height,
                         "tokenizer.grid_height x theia.patch_size",
                         cfg->tokenizer.grid_height * cfg->tokenizer.theia.patch_size));
    if (p->overlap % 2 == 0 || p->overlap >= cfg->mmdit.latent_frames)
        return lt_fail(
            c->err, LT_ERR_INPUT,
            "%s: 'pipeline.overlap' is %d, expected an odd count below 'mmdit.latent_frames', %d",
            c->place, p->overlap, cfg->mmdit.latent_frames);
    if (p->top_k > cfg->ar_model.vocab_size)
        return lt_fail(c->err, LT_ERR_INPUT,
                       "%s: 'pipeline.top_k' is %d, expected at most 'ar_model.vocab_size', %d",
                       c->place, p->top_k, cfg->ar_model.vocab_size);
    return LT_OK;
}

lt_status cfg_check(const cfg_model *cfg, const char *place, lt_error *err)
{
    const checking c = {place, err};
    LT_TRY(
        check_text(&c, cfg->one_text_encoder ? "text_encoder" : "text_encoder.ar", &cfg->text_ar));
    LT_TRY(check_text(&c, "text_encoder.mmdit", &cfg->text_mmdit));
    LT_TRY(check_tokenizer(&c, &cfg->tokenizer));
    LT_TRY(require_equal(&c, "tokenizer.feature_channels", cfg->tokenizer.feature_channels,
                         "tokenizer.theia.hidden_size", cfg->tokenizer.theia.hidden_size));
    LT_TRY(check_ar(&c, cfg));
    LT_TRY(check_mmdit(&c, cfg));
    LT_TRY(check_vae(&c, &cfg->temporal_vae));
    return check_pipeline(&c, cfg);
}
