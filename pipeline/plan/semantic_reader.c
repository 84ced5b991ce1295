/* semantic_reader.c - see semantic_reader.h. */
#include "pipeline/plan/semantic_reader.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/clip_rate.h"
#include "pipeline/timeline.h"

media_fit take_media_fit(longtake_fit fit)
{
    static const media_fit fits[] = {[LONGTAKE_FIT_COVER] = MEDIA_COVER,
                                     [LONGTAKE_FIT_PAD] = MEDIA_PAD,
                                     [LONGTAKE_FIT_CROP] = MEDIA_CROP,
                                     [LONGTAKE_FIT_STRETCH] = MEDIA_STRETCH};
    return fits[fit];
}

static lt_status open_parts(semantic_reader *r, longtake *e, unsigned also, lt_error *err)
{
    const cfg_pipeline *p = &e->cfg.pipeline;
    const media_read_options options = {.width = p->width,
                                        .height = p->height,
                                        .fps = p->fps,
                                        .fit = r->source.fit,
                                        .from_seconds = r->source.from_seconds,
                                        .stop = r->source.stop,
                                        .user = r->source.user};
    LT_TRY(media_reader_open(r->source.path, &options, &r->reader, err));
    lt_json *about = take_clip_about(media_reader_info(r->reader));
    take_read_at_clip_rate(r->reader, about, p->fps);
    lt_json_free(about);
    const double fps = media_reader_info(r->reader)->fps;
    const int64_t most = llround(fmin(r->source.most_seconds * fps, 1e12));
    if (most > 0 && (most < r->source.most_frames || r->source.most_frames == 0))
        r->source.most_frames = most;
    r->width = p->width;
    r->height = p->height;
    r->rgb = malloc((size_t)p->width * (size_t)p->height * 3);
    if (!r->rgb)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", r->source.path);
    LT_TRY(take_engine_weights(e, TAKE_NET_TOKENIZER, &r->weights, err));
    return tok_open(r->weights, &e->cfg.tokenizer, e->backend, TOK_FEATURES | also, &r->semantics,
                    err);
}

lt_status semantic_reader_open(semantic_reader *r, longtake *e, const semantic_source *source,
                               unsigned also, lt_error *err)
{
    *r = (semantic_reader){.source = *source};
    const lt_status s = open_parts(r, e, also, err);
    if (s != LT_OK)
        semantic_reader_close(r);
    return s;
}

void semantic_reader_close(semantic_reader *r)
{
    tok_close(r->semantics);
    lt_weights_close(r->weights);
    media_reader_close(r->reader);
    free(r->rgb);
    *r = (semantic_reader){0};
}

/* Reads up to the next frame that is a semantic one. *got is false where the
 * video ends before, or the source. */
static lt_status read_to_semantic_frame(semantic_reader *r, bool *got, lt_error *err)
{
    for (*got = true; *got;) {
        if (r->source.most_frames > 0 && r->frames == r->source.most_frames)
            *got = false;
        else
            LT_TRY(media_read_frame(r->reader, r->rgb, got, err));
        if (*got && r->frames++ % TAKE_FRAMES_PER_LATENT == 0)
            return LT_OK;
    }
    return LT_OK;
}

lt_status semantic_reader_next(semantic_reader *r, bool *got, lt_error *err)
{
    LT_TRY(read_to_semantic_frame(r, got, err));
    if (r->frames == 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: holds no frame", r->source.path);
    /* the last frame stands in */
    *got = *got || r->semantic_frames < take_latents_of_frames(r->frames);
    r->semantic_frames += *got;
    return LT_OK;
}

lt_status semantic_reader_features(semantic_reader *r, float *features, lt_error *err)
{
    return tok_features(r->semantics, r->rgb, 1, r->height, r->width, features, err);
}

int64_t semantic_reader_expected(const semantic_reader *r)
{
    const media_video_info *video = media_reader_info(r->reader);
    const int64_t said =
        llround(fmin(fmax(video->seconds - r->source.from_seconds, 0) * video->fps, 1e12));
    const int64_t most = r->source.most_frames;
    const int64_t frames = said > 0 && most > 0 && most < said ? most : said;
    return frames > 0 ? take_latents_of_frames(frames) : 0;
}
