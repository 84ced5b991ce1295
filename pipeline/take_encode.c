/* take_encode.c - reading a video into codes; see take_encode.h. */
#include "pipeline/take_encode.h"

#include <stdlib.h>

#include "pipeline/frame_sizes.h"

typedef struct {
    take_run *run;
    semantic_reader reader;
    float *features;  /* [segment, h, w, C] */
    int filled;       /* frames of the segment so far */
    int64_t expected; /* segments, as far as the file says, or as were met; 0: not known */
    int32_t *codes;   /* of the segments done */
    int64_t count;
} video_encoder;

static lt_status flush_segment(video_encoder *v, lt_error *err)
{
    const tok_layout layout = tok_layout_of(&v->run->engine->cfg.tokenizer);
    const int64_t count = tok_layout_tokens(&layout, v->filled);
    int32_t *grown = realloc(v->codes, (size_t)(v->count + count) * sizeof *grown);
    if (!grown)
        return lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
    v->codes = grown;
    LT_TRY(tok_encode(v->reader.semantics, v->features, v->filled, v->codes + v->count, NULL, err));
    v->count += count;
    v->filled = 0;
    return LT_OK;
}

static lt_status encode_all(video_encoder *v, lt_error *err)
{
    const cfg_model *cfg = &v->run->engine->cfg;
    const int full = cfg->ar_model.segment_frames;
    take_clock *clock = &v->run->clock;
    bool got = false;
    LT_TRY(semantic_reader_next(&v->reader, &got, err));
    for (int64_t segment = 0; got; segment++) {
        if (v->expected > 0 && v->expected <= segment)
            v->expected = segment + 1;
        take_clock_enter(clock, TAKE_ENCODE, segment, v->expected, full);
        while (got && v->filled < full) {
            float *place = v->features + v->filled * take_feature_values(&cfg->tokenizer);
            LT_TRY(semantic_reader_features(&v->reader, place, err));
            LT_TRY(take_clock_step(clock, ++v->filled, 1, err));
            LT_TRY(semantic_reader_next(&v->reader, &got, err));
        }
        LT_TRY(flush_segment(v, err));
        take_clock_leave(clock);
    }
    return LT_OK;
}

lt_status take_encode_video(take_run *run, const semantic_source *source, tok_plan *out, lt_error *err)
{
    longtake *e = run->engine;
    const cfg_tokenizer *cfg = &e->cfg.tokenizer;
    const int full = e->cfg.ar_model.segment_frames;
    *out = (tok_plan){0};
    semantic_source heard = *source;
    heard.stop = take_run_asks_to_stop;
    heard.user = run;
    video_encoder v = {.run = run};
    v.features = malloc((size_t)(full * take_feature_values(cfg)) * sizeof *v.features);
    lt_status s = v.features ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
    if (s == LT_OK)
        s = semantic_reader_open(&v.reader, e, &heard, TOK_ENCODER, err);
    const double before = run->clock.of[TAKE_ENCODE].done;
    if (s == LT_OK) {
        const int64_t frames = semantic_reader_expected(&v.reader);
        v.expected = (frames + full - 1) / full;
        take_clock_plan(&run->clock, TAKE_ENCODE, before + (double)frames);
        s = encode_all(&v, err);
    }
    take_clock_plan(&run->clock, TAKE_ENCODE, before + (double)v.reader.semantic_frames);
    if (s == LT_OK) {
        const tok_layout layout = tok_layout_of(cfg);
        s = tok_plan_make(&layout, v.codes, v.count, e->cfg.pipeline.fps, v.reader.frames, source->path, out,
                          err);
    }
    semantic_reader_close(&v.reader);
    free(v.features);
    free(v.codes);
    return s;
}
