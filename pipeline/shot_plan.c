/* shot_plan.c - see shot_plan.h. */
#include "pipeline/shot_plan.h"

#include <math.h>
#include <string.h>

#include "pipeline/take_encode.h"
#include "pipeline/token_cut.h"
#include "pipeline/token_io.h"

bool take_is_token_file(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcmp(dot, ".lt") == 0 || strcmp(dot, ".npy") == 0);
}

/* A part of a plan, laid out as a take's own plan is: as it stands, or encoded again where its segments lie otherwise. */
static lt_status cut_full(take_run *run, const take_shot *shot, const tok_plan *whole, int64_t first,
                          int64_t count, tok_plan *out, lt_error *err)
{
    const int64_t all = tok_plan_semantic_frames(whole);
    bool again = false;
    LT_TRY(take_tokens_cut(run->engine, whole, first, count, out, &again, err));
    if (!again && take_tokens_are_full(out))
        return LT_OK;
    tok_plan_clear(out);
    take_note(run, "%s: the span does not lie on full segments and is encoded again", shot->plan);
    return take_tokens_in_full(run->engine, whole, first, count < all - first ? first + count : all, out, err);
}

/* The part of a token file that the shot names. */
static lt_status read_tokens(take_run *run, const take_shot *shot, tok_plan *out, lt_error *err)
{
    const double rate = run->engine->cfg.pipeline.fps / TAKE_FRAMES_PER_LATENT; /* semantic frames a second */
    const int64_t first = llround(shot->plan_from_seconds * rate);
    tok_plan whole = {0};
    LT_TRY(take_tokens_read(run->engine, shot->plan, &whole, err));
    take_warn_if_altered(run, shot->plan, &whole);
    const int64_t all = tok_plan_semantic_frames(&whole);
    const int64_t count = shot->plan_seconds > 0 ? llround(shot->plan_seconds * rate) : all - first;
    const lt_status s = first < all ? cut_full(run, shot, &whole, first, count, out, err)
                                    : lt_fail(err, LT_ERR_USAGE, "span: begins at %g s, %s has %.2f s",
                                              shot->plan_from_seconds, shot->plan, (double)all / rate);
    tok_plan_clear(&whole);
    return s;
}

/* As many frames of a video as the span has, and `segments` need. */
static lt_status encode_video(take_run *run, const take_shot *shot, int64_t segments, tok_plan *out,
                              lt_error *err)
{
    const cfg_model *cfg = &run->engine->cfg;
    const int64_t asked = llround(shot->plan_seconds * cfg->pipeline.fps);
    const int64_t needed = take_frames_of_latents(segments * cfg->ar_model.segment_frames);
    const semantic_source source = {.path = shot->plan,
                                    .fit = take_media_fit(run->spec.fit),
                                    .from_seconds = shot->plan_from_seconds,
                                    .most_frames = asked > 0 && asked < needed ? asked : needed};
    return take_encode_video(run, &source, out, err);
}

/* One past the last segment of a shot. */
static int64_t end_of_shot(const take_run *run, int shot)
{
    const take_spec *s = &run->spec;
    const int64_t next = shot + 1 < s->shots ? take_segment_of_change(&s->time, s->shot[shot + 1].at_frame)
                                             : run->plan_segments;
    return next < run->plan_segments ? next : run->plan_segments;
}

lt_status take_plan_of_shots(take_run *run, lt_error *err)
{
    for (int i = 0; i < run->spec.shots; i++) {
        const take_shot *shot = &run->spec.shot[i];
        const int64_t first = take_segment_of_change(&run->spec.time, shot->at_frame);
        const int64_t end = end_of_shot(run, i);
        tok_plan plan = {0};
        if (!shot->plan || first >= end)
            continue;
        LT_TRY(take_is_token_file(shot->plan) ? read_tokens(run, shot, &plan, err)
                                         : encode_video(run, shot, end - first, &plan, err));
        const lt_status s = take_plan_lay(run, &plan, first, end, shot->plan, err);
        tok_plan_clear(&plan);
        LT_TRY(s);
    }
    return LT_OK;
}
