/* take_encode.c - reading a video into codes; see take_encode.h. */
#include "pipeline/take_encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/frame_reader.h"
#include "tokenizer/tokenizer.h"

typedef struct {
    take_run *run;
    tok_model *semantics;
    media_reader *reader;
    int width;
    int height;
    uint8_t *rgb;         /* the frame just read */
    float *features;      /* [segment, h, w, C] */
    int64_t cells;        /* values of one frame's features */
    int filled;           /* frames of the segment so far */
    int64_t expected;     /* segments, as far as the file says; 0: not known */
    take_codes *out;
} video_encoder;

static lt_status flush_segment(video_encoder *v, lt_error *err)
{
    const cfg_tokenizer *cfg = &v->run->engine->cfg.tokenizer;
    const int64_t count = cfg->i_tokens + (int64_t)(v->filled - 1) * cfg->p_tokens;
    uint16_t *grown = realloc(v->out->codes, (size_t)(v->out->count + count) * sizeof *grown);
    int32_t *tokens = malloc((size_t)count * sizeof *tokens);
    lt_status s = LT_OK;
    if (grown)
        v->out->codes = grown;
    if (!grown || !tokens)
        s = lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
    if (s == LT_OK)
        s = tok_encode(v->semantics, v->features, v->filled, tokens, NULL, err);
    for (int64_t i = 0; s == LT_OK && i < count; i++)
        v->out->codes[v->out->count + i] = (uint16_t)tokens[i];
    free(tokens);
    if (s == LT_OK) {
        v->out->count += count;
        v->filled = 0;
    }
    return s;
}

/* The frame in `rgb` is the next semantic frame. */
static lt_status add_semantic_frame(video_encoder *v, lt_error *err)
{
    const int full = v->run->engine->cfg.ar_model.segment_frames;
    if (v->filled == full) {
        LT_TRY(flush_segment(v, err));
        take_clock_leave(&v->run->clock);
    }
    if (v->filled == 0)
        take_clock_enter(&v->run->clock, TAKE_ENCODE, v->out->semantic_frames / full, v->expected, full);
    LT_TRY(tok_features(v->semantics, v->rgb, 1, v->height, v->width, v->features + v->filled * v->cells, err));
    v->filled++;
    v->out->semantic_frames++;
    return take_clock_step(&v->run->clock, v->filled, 1, err);
}

static lt_status read_all(video_encoder *v, int64_t most_frames, lt_error *err)
{
    bool got = true;
    while (most_frames == 0 || v->out->frames < most_frames) {
        LT_TRY(media_read_frame(v->reader, v->rgb, &got, err));
        if (!got)
            break;
        if (v->out->frames++ % TAKE_FRAMES_PER_LATENT == 0)
            LT_TRY(add_semantic_frame(v, err));
    }
    if (v->out->frames == 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: holds no frame", v->run->request->input);
    if (v->out->semantic_frames < take_latents_of_frames(v->out->frames))
        LT_TRY(add_semantic_frame(v, err));
    LT_TRY(flush_segment(v, err));
    take_clock_leave(&v->run->clock);
    return LT_OK;
}

static lt_status open_reader(video_encoder *v, const char *path, lt_error *err)
{
    static const media_fit fits[] = {[LONGTAKE_FIT_COVER] = MEDIA_COVER,
                                     [LONGTAKE_FIT_PAD] = MEDIA_PAD,
                                     [LONGTAKE_FIT_CROP] = MEDIA_CROP,
                                     [LONGTAKE_FIT_STRETCH] = MEDIA_STRETCH};
    const cfg_pipeline *p = &v->run->engine->cfg.pipeline;
    const media_read_options options = {
        .width = p->width, .height = p->height, .fps = p->fps, .fit = fits[v->run->spec.fit]};
    LT_TRY(media_reader_open(path, &options, &v->reader, err));
    const double frames = media_reader_info(v->reader)->seconds * p->fps;
    const double full = TAKE_FRAMES_PER_LATENT * v->run->engine->cfg.ar_model.segment_frames;
    v->expected = (int64_t)ceil(frames / full);
    v->width = p->width;
    v->height = p->height;
    v->rgb = malloc((size_t)p->width * (size_t)p->height * 3);
    return v->rgb ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
}

lt_status take_encode_video(take_run *run, const char *path, int64_t most_frames, take_codes *out, lt_error *err)
{
    longtake *e = run->engine;
    const cfg_tokenizer *cfg = &e->cfg.tokenizer;
    *out = (take_codes){0};
    video_encoder v = {.run = run, .out = out};
    v.cells = (int64_t)cfg->grid_height * cfg->grid_width * cfg->feature_channels;
    v.features = malloc((size_t)(e->cfg.ar_model.segment_frames * v.cells) * sizeof *v.features);
    lt_weights *weights = NULL;
    lt_status s = v.features ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
    if (s == LT_OK)
        s = open_reader(&v, path, err);
    if (s == LT_OK)
        s = take_engine_weights(e, TAKE_NET_TOKENIZER, &weights, err);
    if (s == LT_OK)
        s = tok_open(weights, cfg, e->backend, TOK_FEATURES | TOK_ENCODER, &v.semantics, err);
    if (s == LT_OK)
        s = read_all(&v, most_frames, err);
    tok_close(v.semantics);
    lt_weights_close(weights);
    media_reader_close(v.reader);
    free(v.rgb);
    free(v.features);
    if (s != LT_OK)
        take_codes_clear(out);
    return s;
}

void take_codes_clear(take_codes *c)
{
    free(c->codes);
    *c = (take_codes){0};
}
