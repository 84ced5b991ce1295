/* take_check.c - a whole take on given draws, stage by stage, against a
 * golden file; see take_check.h. */
#include "pipeline/measure/take_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ar_model/ar_model.h"
#include "mmdit/dit_model.h"
#include "pipeline/frame_sizes.h"
#include "pipeline/timeline.h"
#include "temporal_vae/vae_decoder.h"
#include "text_encoder/text_encoder.h"
#include "text_encoder/text_vocab.h"
#include "tokenizer/tokenizer.h"

enum { MAX_IDS = 4096, MAX_DRAWS = 3 * CFG_MAX_STEPS };

/* What one stage hands to the next. */
typedef struct {
    longtake *engine;
    lt_golden *golden;
    char *prompt;
    int64_t frames; /* semantic frames = latents */
    float *text_ar; /* [text_rows, text_width of the language model] */
    int text_rows;
    float *text_mmdit; /* [text_length, text_width] */
    int32_t *tokens;
    float *features; /* [T, h, w, C] */
    float *control;  /* [T, C, H, W] */
    float *latent;   /* [T, C, H, W] */
} check_take;

static lt_status no_memory(lt_error *err)
{
    return lt_fail(err, LT_ERR_RESOURCES, "take: out of memory");
}

/* Reports channels-last x [T, h, w, C] as `shape`, whose frame and channel
 * axes are in the order given. */
static lt_status report_transposed(check_take *c, const char *name, const float *x, int64_t T,
                                   int64_t h, int64_t w, int64_t C, bool channels_first,
                                   lt_error *err)
{
    const int64_t cells = h * w;
    float *out = malloc((size_t)(T * cells * C) * sizeof *out);
    if (!out)
        return no_memory(err);
    for (int64_t t = 0; t < T; t++)
        for (int64_t i = 0; i < cells; i++)
            for (int64_t k = 0; k < C; k++) {
                const int64_t plane = channels_first ? k * T + t : t * C + k;
                out[plane * cells + i] = x[(t * cells + i) * C + k];
            }
    const lt_shape shape = channels_first ? lt_shape5(1, C, T, h, w) : lt_shape5(1, T, C, h, w);
    const lt_status s = lt_golden_report(c->golden, name, LT_F32, shape, out, err);
    free(out);
    return s;
}

/* ---- text ---- */

static lt_status read_prompt(check_take *c, lt_error *err)
{
    const char *texts = lt_golden_metadata(c->golden, "texts");
    const char *place = lt_golden_place(c->golden);
    lt_json *list = NULL;
    if (!texts)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata `texts` is missing", place);
    LT_TRY(lt_json_parse(texts, strlen(texts), place, &list, err));
    const lt_json *first = lt_json_kind_of(list) == LT_JSON_ARRAY && lt_json_count(list) == 1
                               ? lt_json_at(list, 0)
                               : NULL;
    if (first && lt_json_kind_of(first) == LT_JSON_STRING)
        c->prompt = strdup(lt_json_string(first, NULL));
    lt_json_free(list);
    return c->prompt ? LT_OK
                     : lt_fail(err, LT_ERR_INPUT, "%s: metadata `texts`: expected one text", place);
}

static lt_status encode_text(check_take *c, take_net net, const cfg_text *cfg, int length,
                             text_padding padding, const char *ids_name, const char *text_name,
                             float **rows, int *count, lt_error *err)
{
    longtake *e = c->engine;
    char *path = NULL;
    text_vocab *vocab = NULL;
    text_encoder *encoder = NULL;
    lt_weights *weights = NULL;
    int32_t ids[MAX_IDS];
    text_report report = {0};
    if (length > MAX_IDS)
        return lt_fail(err, LT_ERR_INPUT, "take: texts of %d ids, expected at most %d", length,
                       (int)MAX_IDS);
    lt_status s = take_engine_spiece(e, net, &path, err);
    if (s == LT_OK)
        s = text_vocab_open(path, &vocab, err);
    free(path);
    if (s == LT_OK)
        s = text_ids(vocab, c->prompt, strlen(c->prompt), length, padding, ids, &report, err);
    text_vocab_close(vocab);
    if (s == LT_OK)
        s = lt_golden_report(c->golden, ids_name, LT_I32, lt_shape2(1, report.count), ids, err);
    *count = report.count;
    *rows = malloc((size_t)report.count * (size_t)cfg->d_model * sizeof **rows + 1);
    if (s == LT_OK && !*rows)
        s = no_memory(err);
    if (s == LT_OK)
        s = take_engine_weights(e, net, &weights, err);
    if (s == LT_OK)
        s = text_encoder_open(weights, cfg, e->backend, &encoder, err);
    if (s == LT_OK)
        s = text_encode(encoder, ids, report.count, *rows, err);
    if (s == LT_OK)
        s = lt_golden_report(c->golden, text_name, LT_F32, lt_shape3(1, report.count, cfg->d_model),
                             *rows, err);
    text_encoder_close(encoder);
    lt_weights_close(weights);
    return s;
}

static lt_status check_text(check_take *c, lt_error *err)
{
    const cfg_model *cfg = &c->engine->cfg;
    int rows = 0;
    LT_TRY(read_prompt(c, err));
    LT_TRY(encode_text(c, TAKE_NET_TEXT_AR, &cfg->text_ar, cfg->text_ar.max_length, TEXT_UNPADDED,
                       "ids_ar", "text_ar", &c->text_ar, &c->text_rows, err));
    return encode_text(c, TAKE_NET_TEXT_MMDIT, &cfg->text_mmdit, cfg->mmdit.text_length,
                       TEXT_PADDED, "ids_mmdit", "text_mmdit", &c->text_mmdit, &rows, err);
}

/* ---- tokens ---- */

static lt_status read_sampling(check_take *c, ar_sampling *s, ar_condition *condition,
                               lt_error *err)
{
    int64_t top_k = 0;
    int64_t seed = 0;
    double motion = 0;
    LT_TRY(lt_golden_int(c->golden, "num_frames", &c->frames, err));
    LT_TRY(lt_golden_int(c->golden, "top_k", &top_k, err));
    LT_TRY(lt_golden_int(c->golden, "seed", &seed, err));
    LT_TRY(lt_golden_real(c->golden, "cfg", &s->guidance, err));
    LT_TRY(lt_golden_real(c->golden, "temperature", &s->temperature, err));
    LT_TRY(lt_golden_real(c->golden, "motion_score", &motion, err));
    const cfg_model *cfg = &c->engine->cfg;
    const int segment = cfg->ar_model.segment_frames;
    const int most = segment < cfg->mmdit.latent_frames ? segment : cfg->mmdit.latent_frames;
    if (c->frames < 1 || c->frames > most)
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: num_frames %lld, this model takes 1 to %d\nhint: -m names the model that the file is of",
            lt_golden_place(c->golden), (long long)c->frames, most);
    s->seed = (uint64_t)seed;
    s->filter = AR_KEEP_TOP_K;
    s->top_k = top_k > INT32_MAX ? INT32_MAX : (int)top_k;
    condition->frames = ar_frames_condition(&cfg->ar_model, c->frames);
    condition->motion = (float)motion;
    return LT_OK;
}

static lt_status check_tokens(check_take *c, lt_error *err)
{
    longtake *e = c->engine;
    const cfg_ar *cfg = &e->cfg.ar_model;
    ar_sampling sampling;
    ar_condition condition = {.text = c->text_ar, .text_rows = c->text_rows};
    ar_sampling_init(&sampling);
    LT_TRY(read_sampling(c, &sampling, &condition, err));
    const int count = ar_segment_codes(cfg, (int)c->frames);
    const ar_session_options options = {
        .sampling = sampling, .segments = 1, .text_rows = c->text_rows};
    lt_weights *weights = NULL;
    ar_model *model = NULL;
    ar_session *session = NULL;
    c->tokens = malloc((size_t)count * sizeof *c->tokens);
    lt_status s = c->tokens ? take_engine_weights(e, TAKE_NET_AR, &weights, err) : no_memory(err);
    if (s == LT_OK)
        s = ar_model_open(weights, cfg, e->backend, &model, err);
    if (s == LT_OK)
        s = ar_session_open(model, &options, &session, err);
    if (s == LT_OK)
        s = ar_session_condition(session, &condition, err);
    if (s == LT_OK)
        s = ar_session_segment(session, (int)c->frames, c->tokens, 0, NULL, err);
    ar_session_close(session);
    ar_model_close(model);
    lt_weights_close(weights);
    for (int i = 0; s == LT_OK && i < count; i++)
        c->tokens[i] = ar_output_code(cfg, c->tokens[i]);
    return s == LT_OK
               ? lt_golden_report(c->golden, "tokens", LT_I32, lt_shape1(count), c->tokens, err)
               : s;
}

/* ---- features ---- */

static lt_status check_features(check_take *c, lt_error *err)
{
    longtake *e = c->engine;
    const cfg_tokenizer *cfg = &e->cfg.tokenizer;
    lt_weights *weights = NULL;
    tok_model *semantics = NULL;
    c->features = malloc((size_t)(c->frames * take_feature_values(cfg)) * sizeof *c->features);
    lt_status s =
        c->features ? take_engine_weights(e, TAKE_NET_TOKENIZER, &weights, err) : no_memory(err);
    if (s == LT_OK)
        s = tok_open(weights, cfg, e->backend, TOK_DECODER, &semantics, err);
    if (s == LT_OK)
        s = tok_decode(semantics, c->tokens, (int)c->frames, c->features, err);
    tok_close(semantics);
    lt_weights_close(weights);
    LT_TRY(s);
    return report_transposed(c, "features", c->features, c->frames, cfg->grid_height,
                             cfg->grid_width, cfg->feature_channels, false, err);
}

/* ---- latent ---- */

typedef struct {
    float *draw[MAX_DRAWS];
    int count;
} noise_draws;

static void free_draws(noise_draws *n)
{
    for (int i = 0; i < n->count; i++)
        free(n->draw[i]);
}

static lt_status read_draws(check_take *c, int steps, noise_draws *n, lt_error *err)
{
    const int wanted = dit_official_draws(steps, CFG_CARRY_LATENTS, 0);
    for (n->count = 0; n->count < wanted; n->count++) {
        char name[32];
        lt_shape shape;
        snprintf(name, sizeof name, "noise.%d", n->count);
        LT_TRY(lt_golden_input_f32(c->golden, name, 5, &n->draw[n->count], &shape, err));
        const cfg_mmdit *cfg = &c->engine->cfg.mmdit;
        if (!lt_same_shape(shape, lt_shape5(1, c->frames, cfg->latent_channels, cfg->latent_height,
                                            cfg->latent_width))) {
            n->count++;
            return lt_fail(err, LT_ERR_INPUT,
                           "%s: in.%s has another shape than this model's latents",
                           lt_golden_place(c->golden), name);
        }
    }
    return LT_OK;
}

static lt_status refine(check_take *c, dit_model *model, noise_draws *noise, lt_error *err)
{
    int64_t steps = 0;
    LT_TRY(lt_golden_int(c->golden, "steps", &steps, err));
    if (steps < 1 || steps >= CFG_MAX_STEPS)
        return lt_fail(err, LT_ERR_INPUT, "%s: %lld steps, expected 1 to %d",
                       lt_golden_place(c->golden), (long long)steps, CFG_MAX_STEPS - 1);
    LT_TRY(read_draws(c, (int)steps, noise, err));
    dit_request q;
    dit_request_init(&q);
    q.frames = (int)c->frames;
    q.control = c->control;
    q.text = c->text_mmdit;
    q.steps = (int)steps;
    q.draws = (const float *const *)noise->draw;
    q.draw_count = noise->count;
    return dit_refine(model, &q, c->latent, err);
}

static lt_status check_latent(check_take *c, lt_error *err)
{
    longtake *e = c->engine;
    const cfg_mmdit *cfg = &e->cfg.mmdit;
    const size_t values = (size_t)(c->frames * take_latent_values(cfg));
    const lt_shape shape =
        lt_shape5(1, c->frames, cfg->latent_channels, cfg->latent_height, cfg->latent_width);
    lt_weights *weights = NULL;
    dit_model *model = NULL;
    noise_draws *noise = calloc(1, sizeof *noise);
    c->control = malloc(values * sizeof *c->control);
    c->latent = malloc(values * sizeof *c->latent);
    lt_status s = noise && c->control && c->latent
                      ? take_engine_weights(e, TAKE_NET_MMDIT, &weights, err)
                      : no_memory(err);
    if (s == LT_OK)
        s = dit_model_open(weights, cfg, e->backend, &model, err);
    if (s == LT_OK)
        s = dit_control_latent(model, c->features, (int)c->frames, c->control, err);
    if (s == LT_OK)
        s = lt_golden_report(c->golden, "control_latent", LT_F32, shape, c->control, err);
    if (s == LT_OK)
        s = refine(c, model, noise, err);
    if (s == LT_OK)
        s = lt_golden_report(c->golden, "latent", LT_F32, shape, c->latent, err);
    dit_model_close(model);
    lt_weights_close(weights);
    if (noise)
        free_draws(noise);
    free(noise);
    return s;
}

/* ---- frames ---- */

static lt_status check_frames(check_take *c, lt_error *err)
{
    longtake *e = c->engine;
    const cfg_model *cfg = &e->cfg;
    const int64_t T = take_frames_of_latents(c->frames);
    const int64_t H = cfg->pipeline.height;
    const int64_t W = cfg->pipeline.width;
    lt_weights *weights = NULL;
    vae_model *vae = NULL;
    vae_decoder *decoder = NULL;
    float *frames = malloc((size_t)(T * H * W) * 3 * sizeof *frames);
    lt_status s = frames ? take_engine_weights(e, TAKE_NET_VAE, &weights, err) : no_memory(err);
    if (s == LT_OK)
        s = vae_open(weights, &cfg->temporal_vae, e->backend, VAE_DECODER, &vae, err);
    if (s == LT_OK)
        s = vae_decoder_open(vae, cfg->mmdit.latent_height, cfg->mmdit.latent_width, &decoder, err);
    if (s == LT_OK)
        s = vae_decode(decoder, c->latent, c->frames, NULL, frames, err);
    if (s == LT_OK)
        s = report_transposed(c, "frames", frames, T, H, W, 3, true, err);
    vae_decoder_close(decoder);
    vae_close(vae);
    lt_weights_close(weights);
    free(frames);
    return s;
}

lt_status take_check(longtake *e, lt_golden *g, lt_error *err)
{
    check_take c = {.engine = e, .golden = g};
    lt_status s = check_text(&c, err);
    if (s == LT_OK)
        s = check_tokens(&c, err);
    if (s == LT_OK)
        s = check_features(&c, err);
    if (s == LT_OK)
        s = check_latent(&c, err);
    if (s == LT_OK)
        s = check_frames(&c, err);
    free(c.prompt);
    free(c.text_ar);
    free(c.text_mmdit);
    free(c.tokens);
    free(c.features);
    free(c.control);
    free(c.latent);
    return s;
}
