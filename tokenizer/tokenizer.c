#include "tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer/colour_reader.h"
#include "tokenizer/picture_codes.h"
#include "tokenizer/tok_network.h"

struct tok_model {
    cfg_tokenizer cfg;
    lt_backend *backend;
    unsigned parts;
    lt_ops ops;
    lt_weight_set *set; /* encoder, decoder and quantiser */
    tok_encoder encoder;
    tok_decoder decoder;
    tok_quantizer quantizer;
    tok_sequence sequence;
    float *projected; /* [tokens of a full segment, code_dim]: what the search is given */

    tok_picture_table picture_table; /* of a model that knows pictures */
    tok_pictures pictures;
    float *picture_colours; /* what codes tell */
    float *picture_inputs;  /* what the perceptron is given */
    tok_colour_reader colours;
    float *features; /* [grid, feature_channels] of a frame */

    lt_weight_set *theia_set;
    tok_theia theia;
    float *trained_positions; /* [1 + trained patches, hidden], host */
    lt_tensor positions;      /* [1 + side * side, hidden] f32 for pictures of the last size */
    int side;                 /* 0: no picture yet */
};

/* --- opening ---------------------------------------------------------------------------------- */

static lt_status no_memory(lt_error *err)
{
    return lt_fail(err, LT_ERR_RESOURCES, "tokenizer: no memory");
}

static lt_status check_segment_sizes(const cfg_tokenizer *cfg, lt_error *err)
{
    const int rotated = cfg->rope_dims[0] + cfg->rope_dims[1] + cfg->rope_dims[2];
    if (cfg->heads < 1 || cfg->width != cfg->heads * rotated)
        return lt_fail(err, LT_ERR_INPUT,
                       "tokenizer.width is %d, expected heads x the sum of rope_dims = %d x %d",
                       cfg->width, cfg->heads, rotated);
    for (int i = 0; i < 3; i++)
        if (cfg->rope_dims[i] % 2 != 0)
            return lt_fail(err, LT_ERR_INPUT, "tokenizer.rope_dims has %d, expected even numbers",
                           cfg->rope_dims[i]);
    return LT_OK;
}

/* Before the networks are bound. */
static lt_status open_pictures(tok_model *t, lt_weights *weights, lt_error *err)
{
    const cfg_tokenizer *cfg = &t->cfg;
    if (cfg->picture_codes == 0)
        return LT_OK;
    if (cfg->temporal_size != 1)
        return lt_fail(err, LT_ERR_INPUT,
                       "tokenizer.temporal_size is %d, expected 1 beside 'picture_codes'",
                       cfg->temporal_size);
    LT_TRY(tok_picture_table_load(weights, cfg, &t->picture_table, err));
    t->picture_colours =
        malloc((size_t)tok_picture_values(&t->picture_table) * sizeof *t->picture_colours);
    t->picture_inputs = malloc((size_t)tok_picture_inputs(cfg) * sizeof *t->picture_inputs);
    t->features =
        malloc((size_t)(tok_frame_patches(cfg) * cfg->feature_channels) * sizeof *t->features);
    if (!t->picture_colours || !t->picture_inputs || !t->features)
        return no_memory(err);
    return tok_colour_reader_load(weights, cfg, &t->colours, err);
}

static lt_status open_segment_networks(tok_model *t, lt_weights *weights, lt_error *err)
{
    const cfg_tokenizer *cfg = &t->cfg;
    LT_TRY(check_segment_sizes(cfg, err));
    LT_TRY(open_pictures(t, weights, err));
    t->encoder.blocks = calloc((size_t)cfg->layers, sizeof *t->encoder.blocks);
    t->decoder.blocks = calloc((size_t)cfg->layers, sizeof *t->decoder.blocks);
    t->projected = calloc((size_t)(tok_tokens_before(cfg, cfg->temporal_size) * cfg->code_dim),
                          sizeof *t->projected);
    if (!t->encoder.blocks || !t->decoder.blocks || !t->projected)
        return no_memory(err);
    lt_binder *b = lt_binder_open(weights, t->backend);
    unsigned directions = 0;
    if (t->parts & TOK_ENCODER) {
        tok_encoder_bind(b, cfg, &t->encoder);
        directions |= TOK_TO_CODES;
    }
    if (t->parts & TOK_DECODER) {
        tok_decoder_bind(b, cfg, &t->decoder);
        if (cfg->picture_codes > 0)
            tok_pictures_bind(b, cfg, &t->pictures);
        directions |= TOK_FROM_CODES;
    }
    tok_quantizer_bind(b, cfg, &t->quantizer, directions);
    LT_TRY(lt_binder_close(b, &t->set, err));
    LT_TRY(tok_quantizer_load(&t->quantizer, cfg, weights, err));
    return tok_sequence_open(t->backend, cfg, &t->sequence, err);
}

static lt_status check_theia_sizes(const tok_model *t, lt_error *err)
{
    const cfg_theia *cfg = &t->cfg.theia;
    if (cfg->hidden_size < 1 || cfg->patch_size < 1 || cfg->image_size < cfg->patch_size ||
        cfg->num_attention_heads < 1 || cfg->hidden_size % cfg->num_attention_heads != 0)
        return lt_fail(
            err, LT_ERR_INPUT,
            "tokenizer.theia: hidden_size %d, num_attention_heads %d, patch_size %d, image_size %d "
            "do not fit together",
            cfg->hidden_size, cfg->num_attention_heads, cfg->patch_size, cfg->image_size);
    if ((t->parts & TOK_ENCODER) && cfg->hidden_size != t->cfg.feature_channels)
        return lt_fail(err, LT_ERR_INPUT,
                       "tokenizer.theia.hidden_size is %d, expected feature_channels = %d",
                       cfg->hidden_size, t->cfg.feature_channels);
    return LT_OK;
}

/* The backbone under its name in a tokenizer's file, else under its public name. */
static lt_status view_theia(lt_weights *weights, lt_weights **out, lt_error *err)
{
    static const char in_tokenizer[] = "feature_extractor.model.backbone.model.";
    LT_TRY(lt_weights_view(weights, in_tokenizer, out, err));
    if (lt_weights_count(*out) > 0)
        return LT_OK;
    lt_weights_close(*out);
    return lt_weights_view(weights, "backbone.model.", out, err);
}

static lt_status bind_theia(tok_model *t, lt_weights *view, lt_error *err)
{
    lt_binder *b = lt_binder_open(view, t->backend);
    tok_theia_bind(b, &t->cfg.theia, &t->theia);
    LT_TRY(lt_binder_close(b, &t->theia_set, err));
    /* there: it is bound */
    const lt_tensor *stored = lt_weights_find(view, "embeddings.position_embeddings");
    const int64_t values = lt_numel(stored);
    t->trained_positions = malloc((size_t)values * sizeof *t->trained_positions);
    if (!t->trained_positions)
        return no_memory(err);
    for (int64_t i = 0; i < values; i++)
        t->trained_positions[i] = (float)lt_load_element(stored->data, stored->dtype, i);
    return LT_OK;
}

static lt_status open_theia(tok_model *t, lt_weights *weights, lt_error *err)
{
    LT_TRY(check_theia_sizes(t, err));
    t->theia.blocks = calloc((size_t)t->cfg.theia.num_hidden_layers, sizeof *t->theia.blocks);
    if (!t->theia.blocks)
        return no_memory(err);
    lt_weights *view = NULL;
    LT_TRY(view_theia(weights, &view, err));
    const lt_status s = bind_theia(t, view, err);
    lt_weights_close(view);
    return s;
}

lt_status tok_open(lt_weights *weights, const cfg_tokenizer *cfg, lt_backend *backend,
                   unsigned parts, tok_model **out, lt_error *err)
{
    *out = NULL;
    tok_model *t = calloc(1, sizeof *t);
    if (!t)
        return no_memory(err);
    t->cfg = *cfg;
    t->backend = backend;
    t->parts = parts;
    lt_ops_open(&t->ops, backend);
    lt_status s = LT_OK;
    if (parts & (TOK_ENCODER | TOK_DECODER))
        s = open_segment_networks(t, weights, err);
    if (s == LT_OK && (parts & TOK_FEATURES))
        s = open_theia(t, weights, err);
    if (s != LT_OK) {
        tok_close(t);
        return s;
    }
    *out = t;
    return LT_OK;
}

void tok_close(tok_model *t)
{
    if (!t)
        return;
    lt_buffer_close(t->backend, &t->positions);
    tok_sequence_close(t->backend, &t->sequence);
    tok_quantizer_close(&t->quantizer);
    lt_weight_set_close(t->set);
    lt_weight_set_close(t->theia_set);
    lt_ops_close(&t->ops);
    free(t->encoder.blocks);
    free(t->decoder.blocks);
    free(t->theia.blocks);
    free(t->projected);
    tok_picture_table_clear(&t->picture_table);
    free(t->picture_colours);
    free(t->picture_inputs);
    tok_colour_reader_clear(&t->colours);
    free(t->features);
    free(t->trained_positions);
    free(t);
}

static lt_status check_part(const tok_model *t, tok_part part, const char *what, lt_error *err)
{
    if (t->parts & part)
        return LT_OK;
    return lt_fail(err, LT_ERR_FAILED, "tokenizer: asked for %s, but opened without that part",
                   what);
}

/* --- frames to features ----------------------------------------------------------------------- */

static lt_status upload_positions(tok_model *t, const float *table, int side, lt_error *err)
{
    const lt_shape shape = lt_shape2((int64_t)side * side + 1, t->cfg.theia.hidden_size);
    LT_TRY(lt_buffer_open(t->backend, LT_F32, shape, &t->positions, err));
    LT_TRY(t->backend->table->upload(t->backend, t->positions.data, table,
                                     lt_tensor_bytes(&t->positions), err));
    t->side = side;
    return LT_OK;
}

/* The position table for pictures of side x side patches, on the backend; the trained one where the
 * size is the same. */
static lt_status fit_positions(tok_model *t, int side, lt_error *err)
{
    if (t->side == side)
        return LT_OK;
    const size_t d = (size_t)t->cfg.theia.hidden_size;
    const int trained = t->cfg.theia.image_size / t->cfg.theia.patch_size;
    lt_buffer_close(t->backend, &t->positions);
    t->side = 0;
    if (side == trained)
        return upload_positions(t, t->trained_positions, side, err);
    float *table = malloc(((size_t)side * (size_t)side + 1) * d * sizeof *table);
    if (!table)
        return no_memory(err);
    memcpy(table, t->trained_positions, d * sizeof *table); /* the class token's */
    tok_resize_positions(t->trained_positions + d, trained, side, (int)d, table + d);
    const lt_status s = upload_positions(t, table, side, err);
    free(table);
    return s;
}

typedef struct {
    tok_model *t;
    const float *patches; /* [side * side, 3 patch patch] */
    float *square;        /* [1 + side * side, hidden] */
} theia_pass;

static lt_status run_theia(lt_ops *o, void *user)
{
    const theia_pass *p = user;
    lt_download(o, p->square,
                tok_theia_forward(o, &p->t->cfg.theia, &p->t->theia, p->patches, p->t->positions));
    return lt_ops_status(o);
}

lt_status tok_features(tok_model *t, const uint8_t *frames, int64_t count, int height, int width,
                       float *features, lt_error *err)
{
    const cfg_tokenizer *cfg = &t->cfg;
    const size_t d = (size_t)cfg->theia.hidden_size;
    LT_TRY(check_part(t, TOK_FEATURES, "features", err));
    if (height > TOK_MAX_SIDE || width > TOK_MAX_SIDE)
        return lt_fail(err, LT_ERR_INPUT,
                       "tokenizer: frames of %d x %d pixels, expected sides of %d at most", width,
                       height, (int)TOK_MAX_SIDE);
    const int side = height < 1 || width < 1 ? 0 : tok_theia_side(&cfg->theia, height, width);
    if (side < 1)
        return lt_fail(err, LT_ERR_INPUT,
                       "tokenizer: frames of %d x %d pixels, expected a patch of %d at least",
                       width, height, cfg->theia.patch_size);
    LT_TRY(fit_positions(t, side, err));
    const size_t patches = (size_t)side * (size_t)side;
    const size_t patch_values = 3 * (size_t)cfg->theia.patch_size * (size_t)cfg->theia.patch_size;
    float *patch = malloc(patches * patch_values * sizeof *patch);
    float *square = malloc((patches + 1) * d * sizeof *square);
    lt_status s = patch && square ? LT_OK : no_memory(err);
    for (int64_t i = 0; i < count && s == LT_OK; i++) {
        tok_theia_patches(&cfg->theia, frames + i * height * width * 3, height, width, patch);
        s = lt_ops_run(&t->ops, run_theia, &(theia_pass){t, patch, square}, err);
        if (s == LT_OK)
            tok_theia_fit(cfg, square + d, side,
                          features + i * tok_frame_patches(cfg) * (int64_t)d);
    }
    free(patch);
    free(square);
    return s;
}

/* --- features to tokens and back -------------------------------------------------------------- */

static lt_status check_frames(const tok_model *t, int T, lt_error *err)
{
    if (T < 1 || T > t->cfg.temporal_size)
        return lt_fail(err, LT_ERR_INPUT, "tokenizer: a segment of %d frames, expected 1 to %d", T,
                       t->cfg.temporal_size);
    return LT_OK;
}

typedef struct {
    tok_model *t;
    int frames;
    const float *features;
    float *latents; /* or NULL */
} encode_pass;

static lt_status run_encoder(lt_ops *o, void *user)
{
    const encode_pass *p = user;
    const tok_model *t = p->t;
    const lt_tensor latents =
        tok_encoder_latents(o, &t->cfg, &t->encoder, &t->sequence, p->features, p->frames);
    if (p->latents)
        lt_download(o, p->latents, lt_cast(o, latents, LT_F32));
    lt_download(o, t->projected, tok_project_in(o, &t->quantizer, latents));
    return lt_ops_status(o);
}

lt_status tok_encode(tok_model *t, const float *features, int T, int32_t *tokens,
                     const tok_encode_extras *extras, lt_error *err)
{
    const int64_t count = tok_tokens_before(&t->cfg, T);
    LT_TRY(check_part(t, TOK_ENCODER, "tokens", err));
    LT_TRY(check_frames(t, T, err));
    LT_TRY(lt_ops_run(&t->ops, run_encoder,
                      &(encode_pass){t, T, features, extras ? extras->latents : NULL}, err));
    tok_nearest_codes(&t->quantizer, t->projected, count, tokens);
    if (extras && extras->distances)
        tok_code_distances(&t->quantizer, t->projected, count, tokens, extras->distances);
    return LT_OK;
}

typedef struct {
    tok_model *t;
    int frames;
    const int32_t *tokens;
    float *features;
} decode_pass;

static lt_status run_pictures(lt_ops *o, void *user)
{
    const decode_pass *p = user;
    const tok_model *t = p->t;
    tok_decoder_head(o, &t->decoder, tok_picture_rows(o, &t->cfg, &t->pictures, t->picture_inputs),
                     p->features);
    return lt_ops_status(o);
}

static lt_status run_decoder(lt_ops *o, void *user)
{
    const decode_pass *p = user;
    const tok_model *t = p->t;
    const lt_tensor codes =
        tok_code_rows(o, &t->quantizer, p->tokens, tok_tokens_before(&t->cfg, p->frames));
    tok_decoder_features(o, &t->cfg, &t->decoder, &t->sequence, codes, p->frames, p->features);
    return lt_ops_status(o);
}

lt_status tok_decode(tok_model *t, const int32_t *tokens, int T, float *features, lt_error *err)
{
    LT_TRY(check_part(t, TOK_DECODER, "features of tokens", err));
    LT_TRY(check_frames(t, T, err));
    for (int64_t i = 0; i < tok_tokens_before(&t->cfg, T); i++)
        if (tokens[i] < 0 || tokens[i] >= t->cfg.codebook_size)
            return lt_fail(err, LT_ERR_INPUT, "tokenizer: token %lld is %d, expected 0 to %d",
                           (long long)i, (int)tokens[i], t->cfg.codebook_size - 1);
    decode_pass pass = {t, T, tokens, features};
    if (!tok_shows_picture(t->cfg.picture_codes, tokens, tok_tokens_before(&t->cfg, T)))
        return lt_ops_run(&t->ops, run_decoder, &pass, err);
    tok_picture_colours(&t->picture_table, tokens, t->picture_colours);
    tok_picture_look(&t->cfg, t->picture_colours, t->picture_inputs);
    return lt_ops_run(&t->ops, run_pictures, &pass, err);
}

/* --- pictures --------------------------------------------------------------------------------- */

static lt_status check_knows_pictures(const tok_model *t, int height, int width, lt_error *err)
{
    const tok_picture_table *table = &t->picture_table;
    if (table->count == 0)
        return lt_fail(err, LT_ERR_INPUT,
                       "tokenizer: asked for pictures of a model that knows none");
    const int rows = TOK_PICTURE_FINE * table->rows;
    const int columns = TOK_PICTURE_FINE * table->columns;
    if (height < 1 || width < 1 || height % rows != 0 || width % columns != 0)
        return lt_fail(
            err, LT_ERR_INPUT,
            "tokenizer: a frame of %d x %d pixels, expected multiples of %d x %d for picture codes",
            width, height, columns, rows);
    return LT_OK;
}

lt_status tok_encode_picture(const tok_model *t, const uint8_t *frame, int height, int width,
                             int32_t *tokens, lt_error *err)
{
    LT_TRY(check_knows_pictures(t, height, width, err));
    tok_picture_codes(&t->picture_table, frame, height, width, tokens);
    return LT_OK;
}

lt_status tok_measure_scene(tok_model *t, const int32_t *tokens, const uint8_t *frame, int height,
                            int width, double *error, lt_error *err)
{
    LT_TRY(check_knows_pictures(t, height, width, err));
    LT_TRY(tok_decode(t, tokens, 1, t->features, err));
    *error = tok_colour_error(&t->colours, t->features, frame, height, width);
    return LT_OK;
}
