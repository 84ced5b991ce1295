/* take_encode.c - reading a video into codes; see take_encode.h. */
#include "pipeline/take_encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/frame_reader.h"
#include "tokenizer/tokenizer.h"

typedef struct {
    take_run *run;
    const char *path;
    tok_model *semantics;
    media_reader *reader;
    int width;
    int height;
    uint8_t *rgb;         /* the frame just read */
    float *features;      /* [segment, h, w, C] */
    int64_t cells;        /* values of one frame's features */
    int filled;           /* frames of the segment so far */
    int64_t expected;     /* segments, as far as the file says; 0: not known */
    int32_t *codes;       /* of the segments done */
    int64_t count;
    int64_t frames;       /* RGB frames read */
    int64_t semantic_frames;
} video_encoder;

static lt_status flush_segment(video_encoder *v, lt_error *err)
{
    const tok_layout layout = tok_layout_of(&v->run->engine->cfg.tokenizer);
    const int64_t count = tok_layout_tokens(&layout, v->filled);
    int32_t *grown = realloc(v->codes, (size_t)(v->count + count) * sizeof *grown);
    if (!grown)
        return lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
    v->codes = grown;
    LT_TRY(tok_encode(v->semantics, v->features, v->filled, v->codes + v->count, NULL, err));
    v->count += count;
    v->filled = 0;
    return LT_OK;
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
        take_clock_enter(&v->run->clock, TAKE_ENCODE, v->semantic_frames / full, v->expected, full);
    LT_TRY(tok_features(v->semantics, v->rgb, 1, v->height, v->width, v->features + v->filled * v->cells, err));
    v->filled++;
    v->semantic_frames++;
    return take_clock_step(&v->run->clock, v->filled, 1, err);
}

static lt_status read_all(video_encoder *v, int64_t most_frames, lt_error *err)
{
    bool got = true;
    while (most_frames == 0 || v->frames < most_frames) {
        LT_TRY(media_read_frame(v->reader, v->rgb, &got, err));
        if (!got)
            break;
        if (v->frames++ % TAKE_FRAMES_PER_LATENT == 0)
            LT_TRY(add_semantic_frame(v, err));
    }
    if (v->frames == 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: holds no frame", v->path);
    if (v->semantic_frames < take_latents_of_frames(v->frames))
        LT_TRY(add_semantic_frame(v, err));
    LT_TRY(flush_segment(v, err));
    take_clock_leave(&v->run->clock);
    return LT_OK;
}

media_fit take_media_fit(longtake_fit fit)
{
    static const media_fit fits[] = {[LONGTAKE_FIT_COVER] = MEDIA_COVER,
                                     [LONGTAKE_FIT_PAD] = MEDIA_PAD,
                                     [LONGTAKE_FIT_CROP] = MEDIA_CROP,
                                     [LONGTAKE_FIT_STRETCH] = MEDIA_STRETCH};
    return fits[fit];
}

static lt_status open_reader(video_encoder *v, const char *path, lt_error *err)
{
    const cfg_pipeline *p = &v->run->engine->cfg.pipeline;
    const media_read_options options = {
        .width = p->width, .height = p->height, .fps = p->fps, .fit = take_media_fit(v->run->spec.fit)};
    LT_TRY(media_reader_open(path, &options, &v->reader, err));
    const double frames = media_reader_info(v->reader)->seconds * p->fps;
    const double full = TAKE_FRAMES_PER_LATENT * v->run->engine->cfg.ar_model.segment_frames;
    v->expected = (int64_t)ceil(frames / full);
    v->width = p->width;
    v->height = p->height;
    v->rgb = malloc((size_t)p->width * (size_t)p->height * 3);
    return v->rgb ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
}

lt_status take_encode_video(take_run *run, const char *path, int64_t most_frames, tok_plan *out, lt_error *err)
{
    longtake *e = run->engine;
    const cfg_tokenizer *cfg = &e->cfg.tokenizer;
    *out = (tok_plan){0};
    video_encoder v = {.run = run, .path = path};
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
    if (s == LT_OK) {
        const tok_layout layout = tok_layout_of(cfg);
        s = tok_plan_make(&layout, v.codes, v.count, e->cfg.pipeline.fps, v.frames, path, out, err);
    }
    tok_close(v.semantics);
    lt_weights_close(weights);
    media_reader_close(v.reader);
    free(v.rgb);
    free(v.features);
    free(v.codes);
    return s;
}
