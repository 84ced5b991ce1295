/* take_encode.c - reading a video into codes; see take_encode.h. */
#include "pipeline/plan/take_encode.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/clip_changes.h"
#include "pipeline/frame_sizes.h"
#include "tokenizer/spelled_codes.h"

/* A plan as far as the video is read. */
typedef struct {
    int32_t *codes;
    int64_t count;
} code_list;

/* A clip is not kept, and which kind of codes it needs its end tells: where
 * that is open, both are made. */
typedef struct {
    take_run *run;
    semantic_reader reader;
    bool makes_scene;
    bool makes_picture;
    float *features;  /* [segment, h, w, C] */
    float *distances; /* [codes of a full segment] */
    int filled;       /* frames of the segment so far */
    int64_t expected; /* segments, as far as the file says, or as were met; 0: not known */
    code_list scene;  /* of the segments done */
    code_list picture;
    double distance; /* sum over the codes of `scene` */
    double error;    /* sum over its frames, where both kinds are made */
} video_encoder;

/* Room for `count` codes more, which the list then holds; NULL when memory is out. */
static int32_t *append(code_list *list, int64_t count, lt_error *err)
{
    int32_t *grown = realloc(list->codes, (size_t)(list->count + count) * sizeof *grown);
    if (!grown) {
        lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
        return NULL;
    }
    int32_t *room = grown + list->count;
    *list = (code_list){grown, list->count + count};
    return room;
}

static lt_status read_frame(video_encoder *v, lt_error *err)
{
    const cfg_tokenizer *cfg = &v->run->engine->cfg.tokenizer;
    const semantic_reader *r = &v->reader;
    if (v->makes_scene)
        LT_TRY(semantic_reader_features(&v->reader,
                                        v->features + v->filled * take_feature_values(cfg), err));
    if (v->makes_picture) {
        int32_t *codes = append(&v->picture, cfg->i_tokens, err);
        if (!codes)
            return LT_ERR_RESOURCES;
        LT_TRY(tok_encode_picture(r->semantics, r->rgb, r->height, r->width, codes, err));
    }
    v->filled++;
    return LT_OK;
}

/* A model that knows pictures has a frame to a segment: the one at hand. */
static lt_status add_error(video_encoder *v, const int32_t *codes, lt_error *err)
{
    const semantic_reader *r = &v->reader;
    double error = 0;
    LT_TRY(tok_measure_scene(r->semantics, codes, r->rgb, r->height, r->width, &error, err));
    v->error += error;
    return LT_OK;
}

static lt_status flush_segment(video_encoder *v, lt_error *err)
{
    const tok_layout layout = tok_layout_of(&v->run->engine->cfg.tokenizer);
    const int64_t count = tok_layout_tokens(&layout, v->filled);
    if (v->makes_scene) {
        int32_t *codes = append(&v->scene, count, err);
        if (!codes)
            return LT_ERR_RESOURCES;
        const tok_encode_extras extras = {.distances = v->distances};
        LT_TRY(tok_encode(v->reader.semantics, v->features, v->filled, codes, &extras, err));
        for (int64_t i = 0; i < count; i++)
            v->distance += (double)v->distances[i];
        if (v->makes_picture)
            LT_TRY(add_error(v, codes, err));
    }
    v->filled = 0;
    return LT_OK;
}

/* The frame at hand and those behind it, up to a full segment. *got: there
 * is another frame, now at hand. */
static lt_status read_segment(video_encoder *v, int full, bool *got, lt_error *err)
{
    while (*got && v->filled < full) {
        LT_TRY(read_frame(v, err));
        LT_TRY(take_clock_step(&v->run->clock, v->filled, 1, err));
        if (v->filled < full)
            LT_TRY(semantic_reader_next(&v->reader, got, err));
    }
    LT_TRY(flush_segment(v, err)); /* its last frame is still the one that was read */
    return *got ? semantic_reader_next(&v->reader, got, err) : LT_OK;
}

static lt_status encode_all(video_encoder *v, lt_error *err)
{
    const int full = v->run->engine->cfg.ar_model.segment_frames;
    take_clock *clock = &v->run->clock;
    bool got = false;
    LT_TRY(semantic_reader_next(&v->reader, &got, err));
    for (int64_t segment = 0; got; segment++) {
        if (v->expected > 0 && v->expected <= segment)
            v->expected = segment + 1;
        take_clock_enter(clock, TAKE_ENCODE, segment, v->expected, full);
        LT_TRY(read_segment(v, full, &got, err));
        take_clock_leave(clock);
    }
    return LT_OK;
}

void take_encoding_clear(take_encoding *found)
{
    free(found->comment);
    *found = (take_encoding){0};
}

unsigned take_encoding_parts(const cfg_model *cfg, take_codes codes)
{
    const bool measures = codes == TAKE_CODES_FITTING && cfg->tokenizer.picture_codes > 0;
    return TOK_ENCODER | (measures ? TOK_DECODER : 0);
}

static lt_status open_encoder(video_encoder *v, const semantic_source *source, take_codes codes,
                              lt_error *err)
{
    const cfg_model *cfg = &v->run->engine->cfg;
    const tok_layout layout = tok_layout_of(&cfg->tokenizer);
    const int full = cfg->ar_model.segment_frames;
    v->makes_scene = codes != TAKE_CODES_PICTURE;
    v->makes_picture = codes != TAKE_CODES_SCENE && cfg->tokenizer.picture_codes > 0;
    v->features =
        malloc((size_t)(full * take_feature_values(&cfg->tokenizer)) * sizeof *v->features);
    v->distances = malloc((size_t)tok_layout_tokens(&layout, full) * sizeof *v->distances);
    if (!v->features || !v->distances)
        return lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
    semantic_source heard = *source;
    heard.stop = take_run_asks_to_stop;
    heard.user = v->run;
    return semantic_reader_open(&v->reader, v->run->engine, &heard, take_encoding_parts(cfg, codes),
                                err);
}

static void close_encoder(video_encoder *v)
{
    semantic_reader_close(&v->reader);
    free(v->features);
    free(v->distances);
    free(v->scene.codes);
    free(v->picture.codes);
}

/* After the last frame. */
static take_encoding what_was_found(const video_encoder *v)
{
    const cfg_tokenizer *cfg = &v->run->engine->cfg.tokenizer;
    const bool is_scene = v->scene.count > 0;
    const double distance = is_scene ? v->distance / (double)v->scene.count : -1;
    const double error =
        is_scene && v->makes_picture ? v->error / (double)v->reader.semantic_frames : -1;
    const bool is_foreign = distance > cfg->picture_distance || error > cfg->picture_error;
    return (take_encoding){.is_pictures = v->makes_picture && (!v->makes_scene || is_foreign),
                           .distance = distance,
                           .error = error};
}

static lt_status make_plan(const video_encoder *v, const take_encoding *found, tok_plan *out,
                           lt_error *err)
{
    const cfg_model *cfg = &v->run->engine->cfg;
    const tok_layout layout = tok_layout_of(&cfg->tokenizer);
    const code_list *list = found->is_pictures ? &v->picture : &v->scene;
    if (!found->is_pictures)
        LT_TRY(tok_follow_object(&cfg->tokenizer, v->scene.codes, v->reader.semantic_frames, err));
    return tok_plan_make(&layout, list->codes, list->count, cfg->pipeline.fps, v->reader.frames,
                         v->reader.source.path, out, err);
}

static lt_status keep_comment(const media_video_info *video, take_encoding *found, lt_error *err)
{
    if (!video->comment || video->written_again)
        return LT_OK;
    found->comment = strdup(video->comment);
    return found->comment ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "encode: out of memory");
}

lt_status take_encode_video(take_run *run, const semantic_source *source, take_codes codes,
                            tok_plan *out, take_encoding *found, lt_error *err)
{
    const int full = run->engine->cfg.ar_model.segment_frames;
    *out = (tok_plan){0};
    video_encoder v = {.run = run};
    lt_status s = open_encoder(&v, source, codes, err);
    if (s == LT_OK && found)
        take_tell_changes(
            run, source->path, media_reader_info(v.reader.reader),
            (take_clip_use){.is_picture = media_reader_info(v.reader.reader)->seconds <= 0});
    const double before = take_clock_of(&run->clock, TAKE_ENCODE).done;
    if (s == LT_OK) {
        const int64_t frames = semantic_reader_expected(&v.reader);
        v.expected = (frames + full - 1) / full;
        take_clock_plan(&run->clock, TAKE_ENCODE, before + (double)frames);
        s = encode_all(&v, err);
    }
    take_clock_plan(&run->clock, TAKE_ENCODE, before + (double)v.reader.semantic_frames);
    if (s == LT_OK && !run->reference) /* that of a reference was told when it was cut */
        take_warn_of_damage(run, source->path, media_reader_info(v.reader.reader));
    const take_encoding seen = what_was_found(&v);
    if (s == LT_OK)
        s = make_plan(&v, &seen, out, err);
    if (found)
        *found = seen;
    if (s == LT_OK && found)
        s = keep_comment(media_reader_info(v.reader.reader), found, err);
    close_encoder(&v);
    return s;
}
