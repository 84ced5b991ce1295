#include "tokenizer/tok_check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "configs/model_config.h"
#include "tokenizer/tok_network.h"
#include "tokenizer/tokenizer.h"

static lt_status no_memory(const lt_golden *g, lt_error *err)
{
    return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for the outputs", lt_golden_place(g));
}

/* Memory for count x each values of 4 bytes. NULL when there is none, or no such size. */
static void *new_values(int64_t count, int64_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, each, &bytes) || __builtin_mul_overflow(bytes, 4, &bytes))
        return NULL;
    return malloc(bytes);
}

static lt_status wrong_shape(const lt_golden *g, const char *name, lt_shape found,
                             const char *expected, lt_error *err)
{
    char text[128];
    return lt_fail(err, LT_ERR_INPUT, "%s: in.%s is %s, expected %s", lt_golden_place(g), name,
                   lt_shape_text(found, text, sizeof text), expected);
}

static const char pictures_shape[] = "u8 [F, H, W, 3] with sides of 1 to 16384";

static bool are_pictures(const lt_tensor *t)
{
    static_assert(TOK_MAX_SIDE == 16384, "what pictures_shape says");
    return t->dtype == LT_U8 && t->dim[3] == 3 && t->dim[1] <= TOK_MAX_SIDE &&
           t->dim[2] <= TOK_MAX_SIDE;
}

static lt_status read_config(const lt_golden *g, cfg_tokenizer *cfg, lt_error *err)
{
    return cfg_tokenizer_from_json(lt_golden_config(g), lt_golden_place(g), NULL, cfg, err);
}

/* Between the release's maps [frames, C, cells] and ours [frames, cells, C]. */
static void channels_last(const float *maps, int64_t frames, int64_t channels, int64_t cells,
                          float *out)
{
    for (int64_t f = 0; f < frames; f++)
        for (int64_t i = 0; i < cells; i++)
            for (int64_t c = 0; c < channels; c++)
                *out++ = maps[(f * channels + c) * cells + i];
}

static void channels_first(const float *features, int64_t frames, int64_t channels, int64_t cells,
                           float *out)
{
    for (int64_t f = 0; f < frames; f++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t i = 0; i < cells; i++)
                *out++ = features[(f * cells + i) * channels + c];
}

/* --- tokenizer.theia -------------------------------------------------------------------------- */

static lt_status features_of(lt_golden *g, const cfg_tokenizer *cfg, tok_model *t,
                             const lt_tensor *pixels, lt_error *err)
{
    const int64_t frames = pixels->dim[0];
    const int64_t cells = tok_frame_patches(cfg);
    const int64_t channels = cfg->theia.hidden_size;
    float *features = new_values(frames, cells * channels);
    float *maps = new_values(frames, cells * channels);
    lt_status s = features && maps ? LT_OK : no_memory(g, err);
    if (s == LT_OK)
        s = tok_features(t, pixels->data, frames, (int)pixels->dim[1], (int)pixels->dim[2],
                         features, err);
    if (s == LT_OK) {
        channels_first(features, frames, channels, cells, maps);
        const lt_shape shape = lt_shape4(frames, channels, cfg->grid_height, cfg->grid_width);
        s = lt_golden_report(g, "features", LT_F32, shape, maps, err);
    }
    free(features);
    free(maps);
    return s;
}

static lt_status check_theia(lt_golden *g, lt_backend *backend, lt_error *err)
{
    cfg_tokenizer cfg;
    const lt_tensor *pixels;
    tok_model *t = NULL;
    LT_TRY(cfg_theia_from_json(lt_golden_config(g), lt_golden_place(g), NULL, &cfg, err));
    LT_TRY(lt_golden_input(g, "pixels", 4, &pixels, err));
    if (!are_pictures(pixels))
        return wrong_shape(g, "pixels", lt_shape_of(pixels), pictures_shape, err);
    LT_TRY(tok_open(lt_golden_weights(g), &cfg, backend, TOK_FEATURES, &t, err));
    const lt_status s = features_of(g, &cfg, t, pixels, err);
    tok_close(t);
    return s;
}

/* --- tokenizer.encode ------------------------------------------------------------------------- */

static lt_status tokens_of(lt_golden *g, const cfg_tokenizer *cfg, tok_model *t, const float *maps,
                           int frames, lt_error *err)
{
    const int64_t cells = tok_frame_patches(cfg);
    const int64_t count = tok_tokens_before(cfg, frames);
    float *features = new_values(frames * cells, cfg->feature_channels);
    float *latents = new_values(count, cfg->width);
    int32_t *tokens = new_values(count, 1);
    lt_status s = features && latents && tokens ? LT_OK : no_memory(g, err);
    if (s == LT_OK) {
        channels_last(maps, frames, cfg->feature_channels, cells, features);
        s = tok_encode(t, features, frames, tokens, &(tok_encode_extras){.latents = latents}, err);
    }
    if (s == LT_OK)
        s = lt_golden_report(g, "latents", LT_F32, lt_shape3(1, count, cfg->width), latents, err);
    if (s == LT_OK)
        s = lt_golden_report(g, "tokens", LT_I32, lt_shape2(1, count), tokens, err);
    free(features);
    free(latents);
    free(tokens);
    return s;
}

static lt_status check_encode(lt_golden *g, lt_backend *backend, lt_error *err)
{
    cfg_tokenizer cfg;
    float *maps = NULL; /* [1, T, C, H, W] */
    lt_shape shape;
    tok_model *t = NULL;
    LT_TRY(read_config(g, &cfg, err));
    LT_TRY(lt_golden_input_f32(g, "features", 5, &maps, &shape, err));
    lt_status s = LT_OK;
    if (shape.dim[0] != 1 || shape.dim[1] > cfg.temporal_size ||
        shape.dim[2] != cfg.feature_channels || shape.dim[3] != cfg.grid_height ||
        shape.dim[4] != cfg.grid_width)
        s = wrong_shape(g, "features", shape, "[1, T, feature_channels, grid_height, grid_width]",
                        err);
    if (s == LT_OK)
        s = tok_open(lt_golden_weights(g), &cfg, backend, TOK_ENCODER, &t, err);
    if (s == LT_OK)
        s = tokens_of(g, &cfg, t, maps, (int)shape.dim[1], err);
    tok_close(t);
    free(maps);
    return s;
}

/* --- tokenizer.decode ------------------------------------------------------------------------- */

static lt_status maps_of(lt_golden *g, const cfg_tokenizer *cfg, tok_model *t,
                         const int32_t *tokens, int frames, lt_error *err)
{
    const int64_t cells = tok_frame_patches(cfg);
    float *features = new_values(frames * cells, cfg->feature_channels);
    float *maps = new_values(frames * cells, cfg->feature_channels);
    lt_status s = features && maps ? LT_OK : no_memory(g, err);
    if (s == LT_OK)
        s = tok_decode(t, tokens, frames, features, err);
    if (s == LT_OK) {
        channels_first(features, frames, cfg->feature_channels, cells, maps);
        const lt_shape shape =
            lt_shape5(1, frames, cfg->feature_channels, cfg->grid_height, cfg->grid_width);
        s = lt_golden_report(g, "features", LT_F32, shape, maps, err);
    }
    free(features);
    free(maps);
    return s;
}

static lt_status check_decode(lt_golden *g, lt_backend *backend, lt_error *err)
{
    cfg_tokenizer cfg;
    int32_t *tokens = NULL; /* [1, N] */
    lt_shape shape;
    tok_model *t = NULL;
    LT_TRY(read_config(g, &cfg, err));
    LT_TRY(lt_golden_input_i32(g, "tokens", 2, &tokens, &shape, err));
    lt_status s = LT_OK;
    int frames = 1;
    while (frames < cfg.temporal_size && tok_tokens_before(&cfg, frames) < shape.dim[1])
        frames++;
    if (shape.dim[0] != 1 || tok_tokens_before(&cfg, frames) != shape.dim[1])
        s = wrong_shape(g, "tokens", shape, "[1, i_tokens + k p_tokens]", err);
    if (s == LT_OK)
        s = tok_open(lt_golden_weights(g), &cfg, backend, TOK_DECODER, &t, err);
    if (s == LT_OK)
        s = maps_of(g, &cfg, t, tokens, frames, err);
    tok_close(t);
    free(tokens);
    return s;
}

/* --- tokenizer.quantize ----------------------------------------------------------------------- */

typedef struct {
    const cfg_tokenizer *cfg;
    tok_quantizer quantizer;
    const float *latents; /* [n, width] */
    int64_t n;
    float *projected; /* [n, code_dim] */
    int32_t *tokens;
    float *codes; /* [n, width] */
} quantize_pass;

static lt_status project(lt_ops *o, void *user)
{
    const quantize_pass *p = user;
    const lt_tensor latents = lt_from_host(o, p->latents, LT_F32, lt_shape2(p->n, p->cfg->width));
    lt_download(o, p->projected, tok_project_in(o, &p->quantizer, lt_cast(o, latents, o->dtype)));
    return lt_ops_status(o);
}

static lt_status look_up(lt_ops *o, void *user)
{
    const quantize_pass *p = user;
    lt_download(o, p->codes, lt_cast(o, tok_code_rows(o, &p->quantizer, p->tokens, p->n), LT_F32));
    return lt_ops_status(o);
}

static lt_status run_quantizer(lt_golden *g, lt_backend *backend, quantize_pass *p, lt_error *err)
{
    lt_ops ops;
    lt_ops_open(&ops, backend);
    lt_status s = lt_ops_run(&ops, project, p, err);
    if (s == LT_OK) {
        tok_nearest_codes(&p->quantizer, p->projected, p->n, p->tokens);
        s = lt_ops_run(&ops, look_up, p, err);
    }
    lt_ops_close(&ops);
    if (s == LT_OK)
        s = lt_golden_report(g, "tokens", LT_I32, lt_shape2(1, p->n), p->tokens, err);
    if (s == LT_OK)
        s = lt_golden_report(g, "codes", LT_F32, lt_shape3(1, p->n, p->cfg->width), p->codes, err);
    return s;
}

static lt_status open_quantizer(lt_golden *g, lt_backend *backend, quantize_pass *p,
                                lt_weight_set **set, lt_error *err)
{
    lt_binder *b = lt_binder_open(lt_golden_weights(g), backend);
    tok_quantizer_bind(b, p->cfg, &p->quantizer, TOK_TO_CODES | TOK_FROM_CODES);
    LT_TRY(lt_binder_close(b, set, err));
    LT_TRY(tok_quantizer_load(&p->quantizer, p->cfg, lt_golden_weights(g), err));
    p->projected = new_values(p->n, p->cfg->code_dim);
    p->tokens = new_values(p->n, 1);
    p->codes = new_values(p->n, p->cfg->width);
    return p->projected && p->tokens && p->codes ? LT_OK : no_memory(g, err);
}

static lt_status check_quantize(lt_golden *g, lt_backend *backend, lt_error *err)
{
    cfg_tokenizer cfg;
    float *latents = NULL; /* [1, N, width] */
    lt_shape shape;
    lt_weight_set *set = NULL;
    LT_TRY(read_config(g, &cfg, err));
    LT_TRY(lt_golden_input_f32(g, "latents", 3, &latents, &shape, err));
    quantize_pass p = {.cfg = &cfg, .latents = latents, .n = shape.dim[1]};
    lt_status s = LT_OK;
    if (shape.dim[0] != 1 || shape.dim[2] != cfg.width)
        s = wrong_shape(g, "latents", shape, "[1, N, width]", err);
    if (s == LT_OK)
        s = open_quantizer(g, backend, &p, &set, err);
    if (s == LT_OK)
        s = run_quantizer(g, backend, &p, err);
    free(p.projected);
    free(p.tokens);
    free(p.codes);
    tok_quantizer_close(&p.quantizer);
    lt_weight_set_close(set);
    free(latents);
    return s;
}

/* --- tokenizer.pictures ----------------------------------------------------------------------- */

/* How well other tokens [frames, i_tokens] tell the frames. */
static lt_status report_errors(lt_golden *g, const cfg_tokenizer *cfg, tok_model *t,
                               const lt_tensor *frames, lt_error *err)
{
    const int64_t count = frames->dim[0];
    const int height = (int)frames->dim[1];
    const int width = (int)frames->dim[2];
    int32_t *scenes = NULL;
    lt_shape shape;
    LT_TRY(lt_golden_input_i32(g, "scenes", 2, &scenes, &shape, err));
    float *errors = new_values(count, 1);
    lt_status s = errors ? LT_OK : no_memory(g, err);
    if (s == LT_OK && (shape.dim[0] != count || shape.dim[1] != cfg->i_tokens))
        s = wrong_shape(g, "scenes", shape, "[F, i_tokens]", err);
    for (int64_t f = 0; f < count && s == LT_OK; f++) {
        double error = 0;
        s = tok_measure_scene(t, scenes + f * cfg->i_tokens,
                              (const uint8_t *)frames->data + 3 * f * height * width, height, width,
                              &error, err);
        errors[f] = (float)error;
    }
    if (s == LT_OK)
        s = lt_golden_report(g, "errors", LT_F32, lt_shape1(count), errors, err);
    free(errors);
    free(scenes);
    return s;
}

/* Codes of every frame, and features of these. */
static lt_status report_pictures(lt_golden *g, const cfg_tokenizer *cfg, tok_model *t,
                                 const lt_tensor *frames, lt_error *err)
{
    const int64_t count = frames->dim[0];
    const int height = (int)frames->dim[1];
    const int width = (int)frames->dim[2];
    const int64_t values = tok_frame_patches(cfg) * cfg->feature_channels;
    int32_t *codes = new_values(count, cfg->i_tokens);
    float *features = new_values(count, values);
    float *maps = new_values(count, values);
    lt_status s = codes && features && maps ? LT_OK : no_memory(g, err);
    for (int64_t f = 0; f < count && s == LT_OK; f++) {
        s = tok_encode_picture(t, (const uint8_t *)frames->data + 3 * f * height * width, height,
                               width, codes + f * cfg->i_tokens, err);
        if (s == LT_OK)
            s = tok_decode(t, codes + f * cfg->i_tokens, 1, features + f * values, err);
    }
    if (s == LT_OK)
        s = lt_golden_report(g, "tokens", LT_I32, lt_shape2(count, cfg->i_tokens), codes, err);
    if (s == LT_OK) {
        channels_first(features, count, cfg->feature_channels, tok_frame_patches(cfg), maps);
        const lt_shape shape =
            lt_shape4(count, cfg->feature_channels, cfg->grid_height, cfg->grid_width);
        s = lt_golden_report(g, "features", LT_F32, shape, maps, err);
    }
    free(codes);
    free(features);
    free(maps);
    return s;
}

static lt_status check_pictures(lt_golden *g, lt_backend *backend, lt_error *err)
{
    cfg_tokenizer cfg;
    const lt_tensor *frames;
    tok_model *t = NULL;
    LT_TRY(read_config(g, &cfg, err));
    LT_TRY(lt_golden_input(g, "frames", 4, &frames, err));
    if (!are_pictures(frames))
        return wrong_shape(g, "frames", lt_shape_of(frames), pictures_shape, err);
    LT_TRY(tok_open(lt_golden_weights(g), &cfg, backend, TOK_DECODER, &t, err));
    lt_status s = report_pictures(g, &cfg, t, frames, err);
    if (s == LT_OK)
        s = report_errors(g, &cfg, t, frames, err);
    tok_close(t);
    return s;
}

static const char *const theia_keys[] = {"grid_height",
                                         "grid_width",
                                         "theia.hidden_size",
                                         "theia.num_hidden_layers",
                                         "theia.num_attention_heads",
                                         "theia.intermediate_size",
                                         "theia.patch_size",
                                         "theia.image_size",
                                         "theia.layer_norm_eps",
                                         NULL};
static const char *const quantize_keys[] = {"width", "codebook_size", "code_dim", NULL};
static const char *const encode_keys[] = {
    "temporal_size", "grid_height", "grid_width",    "width",    "feature_channels",
    "layers",        "heads",       "mlp_width",     "i_tokens", "p_tokens",
    "rope_dims",     "rope_base",   "codebook_size", "code_dim", NULL};
static const char *const decode_keys[] = {
    "temporal_size", "grid_height", "grid_width", "width",    "feature_channels", "layers",
    "heads",         "mlp_width",   "i_tokens",   "p_tokens", "rope_dims",        "rope_base",
    "codebook_size", "code_dim",    "head_width", NULL};
static const char *const picture_keys[] = {
    "picture_codes",    "picture_width", "temporal_size", "grid_height", "grid_width", "width",
    "feature_channels", "i_tokens",      "code_dim",      "head_width",  NULL};

lt_status tok_check(lt_golden *g, lt_backend *backend, lt_error *err)
{
    static const struct {
        const char *component;
        const char *const *keys;
        lt_status (*check)(lt_golden *g, lt_backend *backend, lt_error *err);
    } checks[] = {
        {"tokenizer.theia", theia_keys, check_theia},
        {"tokenizer.encode", encode_keys, check_encode},
        {"tokenizer.quantize", quantize_keys, check_quantize},
        {"tokenizer.decode", decode_keys, check_decode},
        {"tokenizer.pictures", picture_keys, check_pictures},
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (strcmp(lt_golden_component(g), checks[i].component) == 0) {
            LT_TRY(lt_golden_needs(g, checks[i].keys, err));
            return checks[i].check(g, backend, err);
        }
    return lt_fail(err, LT_ERR_INPUT, "%s: component \"%s\" is not one of the tokenizer",
                   lt_golden_place(g), lt_golden_component(g));
}
