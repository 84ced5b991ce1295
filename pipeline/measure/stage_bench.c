/* stage_bench.c - the slices of every stage; see stage_bench.h. Sizes are
 * those of the released model. */
#include "pipeline/measure/stage_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ar_model/ar_model.h"
#include "kernels/ops.h"
#include "mmdit/dit_bench.h"
#include "pipeline/import/low_bit_choice.h"
#include "temporal_vae/vae_decoder.h"
#include "temporal_vae/vae_encoder.h"
#include "text_encoder/text_encoder.h"
#include "tokenizer/tokenizer.h"
#include "weights/weights.h"

enum { REPEATS = 3, REPEAT_WITHIN = 20 /* seconds */ };

/* Normals of a fixed stream, as input data; free() it. */
static float *random_values(size_t count)
{
    float *v = malloc(count * sizeof *v);
    if (v)
        lt_normals((lt_draw){.seed = 1, .stage = LT_DRAW_REFINE}, 0, count, v);
    return v;
}

typedef lt_status (*timed_fn)(void *user, lt_error *err);

/* The best of the repeats after one run that is not counted. A stage of minutes is run once: its
 * first touches of memory are a thousandth of it. */
static lt_status best_of(timed_fn fn, void *user, take_time *best, lt_error *err)
{
    const take_time first = take_now();
    LT_TRY(fn(user, err));
    *best = (take_time){0};
    take_keep_best(best, first);
    if (best->wall > REPEAT_WITHIN)
        return LT_OK;
    *best = (take_time){0};
    for (int i = 0; i < REPEATS; i++) {
        const take_time began = take_now();
        LT_TRY(fn(user, err));
        take_keep_best(best, began);
    }
    return LT_OK;
}

static lt_status open_synthetic(lt_backend *b, lt_weights **out, lt_error *err)
{
    return lt_weights_synthetic(b->activation, 1, out, err);
}

/* ---- t5: 2 of 24 layers, on a card 8, 226 tokens ---- */

enum { T5_LAYERS = 24, T5_TOKENS = 226, T5_VOCABULARY = 1000 };

static bool is_card(const lt_backend *backend)
{
    return backend->table->memory_free != NULL;
}

/* A card is so fast that the copy of the result to the host, once an encode, would show if it were
 * counted with every second layer. */
static int t5_layers(const lt_backend *backend)
{
    return is_card(backend) ? 8 : 2;
}

typedef struct {
    text_encoder *encoder;
    int32_t ids[T5_TOKENS];
    float *hidden;
} t5_slice;

static lt_status run_t5(void *user, lt_error *err)
{
    t5_slice *s = user;
    return text_encode(s->encoder, s->ids, T5_TOKENS, s->hidden, err);
}

static lt_status bench_t5(lt_backend *backend, lt_rounding rounding, take_timing *out,
                          lt_error *err)
{
    const int layers = t5_layers(backend);
    const cfg_text cfg = {.vocab_size = T5_VOCABULARY,
                          .d_model = 4096,
                          .num_layers = layers,
                          .num_heads = 64,
                          .d_kv = 64,
                          .d_ff = 10240,
                          .relative_attention_num_buckets = 32,
                          .relative_attention_max_distance = 128,
                          .layer_norm_epsilon = 1e-6F,
                          .max_length = T5_TOKENS};
    t5_slice s = {.hidden = malloc((size_t)T5_TOKENS * 4096 * sizeof(float))};
    for (int i = 0; i < T5_TOKENS; i++)
        s.ids[i] = (i * 37 + 5) % T5_VOCABULARY;
    const double d = 4096;
    *out = (take_timing){.flop = layers * (double)T5_TOKENS * 2 * (4 * d * d + 3 * d * 10240),
                         .whole = (double)T5_LAYERS / layers};
    (void)snprintf(out->slice, sizeof out->slice, "%d of %d layers, 226 tokens", layers, T5_LAYERS);
    lt_weights *weights = NULL;
    lt_status status = s.hidden ? open_synthetic(backend, &weights, err)
                                : lt_fail(err, LT_ERR_RESOURCES, "bench: out of memory");
    if (status == LT_OK && rounding != LT_ROUND_NONE)
        lt_weights_rounding(weights, rounding, take_lies_inside_a_layer);
    if (status == LT_OK)
        status = text_encoder_open(weights, &cfg, backend, &s.encoder, err);
    if (status == LT_OK)
        status = best_of(run_t5, &s, &out->best, err);
    text_encoder_close(s.encoder);
    lt_weights_close(weights);
    free(s.hidden);
    return status;
}

lt_status take_bench_t5(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_t5(backend, LT_ROUND_NONE, out, err);
}

lt_status take_bench_t5_int8(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_t5(backend, LT_ROUND_INT8, out, err);
}

/* ---- lm: 4 of 24 layers, of few bits more, on a card all, one guided step behind 700 tokens ----
 */

enum { LM_TEXT_ROWS = 696, LM_STEPS = 24, LM_LAYERS = 24 };

/* About 700 MB of weights (f32: twice that), more than any processor's cache: from one step to the
 * next they are gone from it. A card reads them so fast that what a step has beside its layers
 * counts, and has room for all of them. */
static int lm_layers(const lt_backend *backend, lt_dtype stored)
{
    if (is_card(backend))
        return LM_LAYERS;
    return stored == LT_Q4 ? 16 : stored == LT_Q8 ? 8 : 4;
}

typedef struct {
    lt_backend *backend;
    int together; /* codes that come at once */
    take_time last;
    take_time best; /* of so many passes */
    int bunches;
} step_timer;

/* Times the passes between two codes that come apart; the first pass fills the cache and counts
 * neither here nor in a profile. */
static int on_code(void *user, int done, int total)
{
    (void)total;
    step_timer *t = user;
    lt_error ignored = {0};
    if ((done - 1) % t->together != 0)
        return 0;
    if (done > 1 + t->together)
        take_keep_best(&t->best, t->last);
    else if (t->backend->profile)
        (void)lt_profile_start(t->backend, &ignored); /* from zero again; the memory is there */
    t->last = take_now();
    return ++t->bunches >= LM_STEPS;
}

double take_stored_bytes(lt_dtype weights)
{
    if (weights == LT_Q8)
        return 1 + 2.0 / LT_BLOCK;
    return weights == LT_Q4 ? 0.5 + 2.0 / LT_BLOCK : (double)lt_dtype_bytes(weights);
}

static lt_status bench_lm(lt_backend *backend, lt_dtype stored, ar_steps steps, take_timing *out,
                          lt_error *err)
{
    const int layers = lm_layers(backend, stored);
    const cfg_ar cfg = {.vocab_size = 2055,
                        .width = 2048,
                        .layers = layers,
                        .heads = 16,
                        .mlp_width = 11008,
                        .text_width = 4096,
                        .micro_sinusoid = 256,
                        .micro_width = 512,
                        .rope_base = 10000,
                        .rope_length = 32768,
                        .segment_frames = 13,
                        .i_tokens = 330,
                        .p_tokens = 74,
                        .codebook_size = 2048,
                        .frames_limit = 13};
    const double values = layers * (4.0 * 2048 * 2048 + 3.0 * 2048 * 11008);
    *out = (take_timing){.flop = 2 * values * 2,
                         .bytes = values * take_stored_bytes(stored),
                         .whole = (double)LM_LAYERS / layers * 1244};
    (void)snprintf(out->slice, sizeof out->slice,
                   "%d of %d layers, one step, batch 2 (guidance), 700 earlier tokens", layers,
                   LM_LAYERS);
    ar_session_options options = {
        .steps = steps, .context = 0, .segments = 1, .text_rows = LM_TEXT_ROWS};
    ar_sampling_init(&options.sampling);
    float *text = random_values((size_t)LM_TEXT_ROWS * 4096);
    const ar_condition condition = {
        .text = text, .text_rows = LM_TEXT_ROWS, .frames = 13, .motion = 0.1F};
    int32_t *ids = calloc((size_t)ar_segment_codes(&cfg, 1), sizeof *ids);
    lt_weights *weights = NULL;
    ar_model *model = NULL;
    ar_session *session = NULL;
    lt_status s = text && ids ? lt_weights_synthetic(stored, 1, &weights, err)
                              : lt_fail(err, LT_ERR_RESOURCES, "bench: out of memory");
    if (s == LT_OK)
        s = ar_model_open(weights, &cfg, backend, &model, err);
    if (s == LT_OK)
        s = ar_session_open(model, &options, &session, err);
    if (s == LT_OK)
        s = ar_session_condition(session, &condition, err);
    if (s == LT_OK) {
        step_timer timer = {.backend = backend, .together = steps == AR_STEPS_AHEAD ? AR_BUNCH : 1};
        lt_error stopped = {0};
        const ar_progress progress = {.code = on_code, .user = &timer};
        s = ar_session_segment(session, 1, ids, 0, &progress, &stopped);
        s = s == LT_ERR_CANCELLED
                ? LT_OK
                : lt_fail(err, s == LT_OK ? LT_ERR_FAILED : s, "%s", stopped.message);
        out->best =
            (take_time){timer.best.wall / timer.together, timer.best.processor / timer.together};
        if (backend->table->record != NULL)
            out->steps = ar_session_replayed(session) == 0 ? "launched"
                         : steps == AR_STEPS_AHEAD         ? "ahead"
                                                           : "recorded";
    }
    ar_session_close(session);
    ar_model_close(model);
    lt_weights_close(weights);
    free(ids);
    free(text);
    return s;
}

lt_status take_bench_lm(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_lm(backend, backend->activation, AR_STEPS_RECORDED, out, err);
}

lt_status take_bench_lm_ahead(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_lm(backend, backend->activation, AR_STEPS_AHEAD, out, err);
}

lt_status take_bench_lm_launched(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_lm(backend, backend->activation, AR_STEPS_LAUNCHED, out, err);
}

lt_status take_bench_lm_q8(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_lm(backend, LT_Q8, AR_STEPS_RECORDED, out, err);
}

lt_status take_bench_lm_q4(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_lm(backend, LT_Q4, AR_STEPS_RECORDED, out, err);
}

/* ---- dit: one main layer, 17,776 rows ---- */

static lt_status bench_dit(lt_backend *backend, lt_rounding rounding, take_timing *out,
                           lt_error *err)
{
    const cfg_mmdit cfg = {.width = 1920,
                           .layers = 1,
                           .control_layers = 0,
                           .heads = 30,
                           .mlp_width = 7680,
                           .time_width = 512,
                           .text_length = 226,
                           .text_width = 4096,
                           .latent_channels = 16,
                           .patch = 2,
                           .latent_frames = 13,
                           .latent_height = 60,
                           .latent_width = 90,
                           .position_scale = 1.875,
                           .steps = 50,
                           .upsample = {.in_channels = 768,
                                        .base_width = 512,
                                        .multiplier_count = 2,
                                        .multipliers = {0.25, 1},
                                        .blocks = 4,
                                        .out_channels = 64}};
    dit_timing t = {0};
    LT_TRY(dit_bench(&cfg, rounding, backend, 1, &t, err));
    *out = (take_timing){
        .slice = "1 layer, 17,776 rows, one item (whole stage: 45 layers x 2 items x 50 steps)",
        .best = {t.seconds, t.processor_seconds},
        .flop = t.flop,
        .whole = 45.0 * 2 * 50};
    return LT_OK;
}

lt_status take_bench_dit(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_dit(backend, LT_ROUND_NONE, out, err);
}

lt_status take_bench_dit_fp8(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_dit(backend, LT_ROUND_E4M3, out, err);
}

lt_status take_bench_dit_int8(lt_backend *backend, take_timing *out, lt_error *err)
{
    return bench_dit(backend, LT_ROUND_INT8, out, err);
}

/* ---- VAE ---- */

static const cfg_vae released_vae = {.in_channels = 3,
                                     .latent_channels = 16,
                                     .base_width = 128,
                                     .multiplier_count = 4,
                                     .multipliers = {1, 2, 2, 4},
                                     .encoder_blocks = 3,
                                     .decoder_blocks = 4,
                                     .groups = 32,
                                     .scale_factor = 1.15258426};

enum {
    DECODE_ROWS = 30,
    DECODE_COLUMNS = 44,
    ENCODE_FRAMES = 9,
    ENCODE_HEIGHT = 240,
    ENCODE_WIDTH = 352
};

typedef struct {
    vae_model *model;
    vae_decoder *decoder;
    float *in;
    float *out;
} vae_slice;

static lt_status run_decode(void *user, lt_error *err)
{
    vae_slice *s = user;
    LT_TRY(vae_decoder_reset(s->decoder, err));
    return vae_decode(s->decoder, s->in, 3, NULL, s->out, err);
}

lt_status take_bench_vae_decode(lt_backend *backend, take_timing *out, lt_error *err)
{
    const double share = (double)(DECODE_ROWS * DECODE_COLUMNS) / (60 * 90);
    *out = (take_timing){.slice = "3 latents 30x44 -> 9 frames",
                         .flop = 313e12 * (9.0 / 49) * share,
                         .whole = 49.0 / 9 / share};
    vae_slice s = {.in = random_values((size_t)3 * 16 * DECODE_ROWS * DECODE_COLUMNS),
                   .out =
                       malloc((size_t)9 * DECODE_ROWS * DECODE_COLUMNS * 64 * 3 * sizeof(float))};
    lt_weights *weights = NULL;
    lt_status status = s.in && s.out ? open_synthetic(backend, &weights, err)
                                     : lt_fail(err, LT_ERR_RESOURCES, "bench: out of memory");
    if (status == LT_OK)
        status = vae_open(weights, &released_vae, backend, VAE_DECODER, &s.model, err);
    if (status == LT_OK)
        status = vae_decoder_open(s.model, DECODE_ROWS, DECODE_COLUMNS, &s.decoder, err);
    if (status == LT_OK)
        status = best_of(run_decode, &s, &out->best, err);
    vae_decoder_close(s.decoder);
    vae_close(s.model);
    lt_weights_close(weights);
    free(s.in);
    free(s.out);
    return status;
}

static lt_status run_encode(void *user, lt_error *err)
{
    vae_slice *s = user;
    return vae_encode(s->model, s->in, ENCODE_FRAMES, ENCODE_HEIGHT, ENCODE_WIDTH, s->out, NULL,
                      err);
}

lt_status take_bench_vae_encode(lt_backend *backend, take_timing *out, lt_error *err)
{
    const double share = (double)(ENCODE_HEIGHT * ENCODE_WIDTH) / (480 * 720);
    /* 149 TFLOP for 49 frames of 480x720 */
    *out = (take_timing){.slice = "9 frames 240x352",
                         .flop = 149e12 * (9.0 / 49) * share,
                         .whole = 49.0 / 9 / share};
    vae_slice s = {
        .in = random_values((size_t)ENCODE_FRAMES * ENCODE_HEIGHT * ENCODE_WIDTH * 3),
        .out = malloc((size_t)3 * 16 * (ENCODE_HEIGHT / 8) * (ENCODE_WIDTH / 8) * sizeof(float))};
    lt_weights *weights = NULL;
    lt_status status = s.in && s.out ? open_synthetic(backend, &weights, err)
                                     : lt_fail(err, LT_ERR_RESOURCES, "bench: out of memory");
    if (status == LT_OK)
        status = vae_open(weights, &released_vae, backend, VAE_ENCODER, &s.model, err);
    if (status == LT_OK)
        status = best_of(run_encode, &s, &out->best, err);
    vae_close(s.model);
    lt_weights_close(weights);
    free(s.in);
    free(s.out);
    return status;
}

/* ---- tokenizer: tokens of two frames -> features ---- */

enum { TOKENIZER_FRAMES = 2 };

typedef struct {
    tok_model *model;
    int32_t *tokens;
    float *features;
} tokenizer_slice;

static lt_status run_tokenizer(void *user, lt_error *err)
{
    tokenizer_slice *s = user;
    return tok_decode(s->model, s->tokens, TOKENIZER_FRAMES, s->features, err);
}

/* Linear maps of every row, and attention of every frame's rows to all so far. */
static double tokenizer_flop(int frames)
{
    const double d = 768;
    double so_far = 0;
    double flop = 0;
    for (int t = 0; t < frames; t++) {
        const double rows = 1350 + (t == 0 ? 330 : 74);
        so_far += rows;
        flop += 12 * (2 * rows * (4 * d * d + 2 * d * 3072) + 4 * d * rows * so_far);
    }
    return flop;
}

lt_status take_bench_tokenizer(lt_backend *backend, take_timing *out, lt_error *err)
{
    const cfg_tokenizer cfg = {.temporal_size = 13,
                               .grid_height = 30,
                               .grid_width = 45,
                               .feature_channels = 768,
                               .width = 768,
                               .layers = 12,
                               .heads = 12,
                               .mlp_width = 3072,
                               .i_tokens = 330,
                               .p_tokens = 74,
                               .rope_dims = {16, 24, 24},
                               .rope_base = 10000,
                               .codebook_size = 2048,
                               .code_dim = 16,
                               .head_width = 1536};
    const double flop = tokenizer_flop(TOKENIZER_FRAMES);
    *out = (take_timing){.slice = "404 tokens -> features of 2 frames, 12 layers",
                         .flop = flop,
                         .whole = tokenizer_flop(cfg.temporal_size) / flop};
    const int count = 330 + 74;
    tokenizer_slice s = {.tokens = malloc((size_t)count * sizeof(int32_t)),
                         .features = malloc((size_t)TOKENIZER_FRAMES * 1350 * 768 * sizeof(float))};
    for (int i = 0; s.tokens && i < count; i++)
        s.tokens[i] = (37 * i + 11) % 2048;
    lt_weights *weights = NULL;
    lt_status status = s.tokens && s.features
                           ? open_synthetic(backend, &weights, err)
                           : lt_fail(err, LT_ERR_RESOURCES, "bench: out of memory");
    if (status == LT_OK)
        status = tok_open(weights, &cfg, backend, TOK_DECODER, &s.model, err);
    if (status == LT_OK)
        status = best_of(run_tokenizer, &s, &out->best, err);
    tok_close(s.model);
    lt_weights_close(weights);
    free(s.tokens);
    free(s.features);
    return status;
}
