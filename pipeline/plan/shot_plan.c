/* shot_plan.c - see shot_plan.h. */
#include "pipeline/plan/shot_plan.h"

#include <math.h>
#include <string.h>

#include "media/frame_reader.h"
#include "pipeline/file_name.h"
#include "pipeline/plan/take_encode.h"
#include "pipeline/plan/take_plan.h"
#include "pipeline/plan/token_cut.h"
#include "pipeline/plan/token_io.h"

bool take_is_token_file(const char *path)
{
    return take_has_extension(path, "lt") || take_has_extension(path, "npy");
}

/* A part of a plan, laid out as a take's own plan is: as it stands, or encoded again where its
 * segments lie otherwise. */
static lt_status cut_full(take_run *run, const take_shot *shot, const tok_plan *whole,
                          int64_t first, int64_t count, tok_plan *out, lt_error *err)
{
    const int64_t all = tok_plan_semantic_frames(whole);
    bool again = false;
    LT_TRY(take_tokens_cut(run->engine, whole, first, count, out, &again, err));
    if (!again && take_tokens_are_full(out))
        return LT_OK;
    tok_plan_clear(out);
    take_note(run, "%s: the span does not lie on full segments and is encoded again", shot->plan);
    return take_tokens_in_full(run->engine, whole, first, count < all - first ? first + count : all,
                               out, err);
}

/* Part of a plan: semantic frames. */
typedef struct {
    int64_t first;
    int64_t count;
} plan_part;

static lt_status begins_outside(const char *path, double from, double length, lt_error *err)
{
    return lt_fail(err, LT_ERR_USAGE, "found a span from %g s on, expected one inside %s of %.2f s",
                   from, path, length);
}

static lt_status ends_outside(const char *path, double end, double length, lt_error *err)
{
    return lt_fail(err, LT_ERR_USAGE, "found a span up to %g s, expected one inside %s of %.2f s",
                   end, path, length);
}

/* The part of what a plan shows from `from` seconds on, `seconds` long (0: up to the end); all of
 * the plan goes on as it does in its own take, behind what is shown too. */
static lt_status part_of(const longtake *e, const char *path, double from, double seconds,
                         const tok_plan *plan, plan_part *out, lt_error *err)
{
    const double rate = e->cfg.pipeline.fps / TAKE_FRAMES_PER_LATENT; /* semantic frames a second */
    const bool is_whole = from <= 0 && seconds <= 0;
    const int64_t all =
        is_whole ? tok_plan_semantic_frames(plan) : take_latents_of_frames(plan->video_frames);
    const double length = (double)plan->video_frames / e->cfg.pipeline.fps;
    const int64_t first = llround(fmin(from * rate, 1e15));
    const int64_t count = seconds > 0 ? llround(fmin(seconds * rate, 1e15)) : all - first;
    if (first > (plan->video_frames - 1) / TAKE_FRAMES_PER_LATENT)
        return begins_outside(path, from, length, err);
    if (first + count > all)
        return ends_outside(path, from + seconds, length, err);
    if (count < 1)
        return lt_fail(err, LT_ERR_USAGE,
                       "found a span of %g s, expected %g s at least: one semantic frame", seconds,
                       1 / rate);
    *out = (plan_part){first, count};
    return LT_OK;
}

/* The part of a token file that the shot names. */
static lt_status read_tokens(take_run *run, const take_shot *shot, tok_plan *out, lt_error *err)
{
    tok_plan whole = {0};
    plan_part part = {0};
    LT_TRY(take_tokens_read(run->engine, shot->plan, &whole, err));
    take_warn_if_altered(run, shot->plan, &whole);
    lt_status s = part_of(run->engine, shot->plan, shot->plan_from_seconds, shot->plan_seconds,
                          &whole, &part, err);
    if (s == LT_OK)
        s = cut_full(run, shot, &whole, part.first, part.count, out, err);
    tok_plan_clear(&whole);
    return s;
}

static lt_status check_tokens(const longtake *e, const longtake_shot *shot, lt_error *err)
{
    tok_plan plan = {0};
    plan_part part = {0};
    LT_TRY(take_tokens_read(e, shot->plan, &plan, err));
    lt_status s = take_plan_fits(&plan, &e->cfg.ar_model, err);
    if (s == LT_OK)
        s = part_of(e, shot->plan, shot->plan_from_seconds, shot->plan_seconds, &plan, &part, err);
    tok_plan_clear(&plan);
    return s;
}

/* As far as the video's header says how long it is; a writer may round by a frame. */
static lt_status check_video(const longtake *e, const longtake_shot *shot, lt_error *err)
{
    const media_read_options whole = {0};
    media_reader *reader = NULL;
    LT_TRY(media_reader_open(shot->plan, &whole, &reader, err));
    const double seconds = media_reader_info(reader)->seconds;
    media_reader_close(reader);
    const double end = shot->plan_from_seconds + shot->plan_seconds;
    if (seconds > 0 && shot->plan_from_seconds >= seconds)
        return begins_outside(shot->plan, shot->plan_from_seconds, seconds, err);
    if (seconds > 0 && end > seconds + 1 / e->cfg.pipeline.fps)
        return ends_outside(shot->plan, end, seconds, err);
    return LT_OK;
}

lt_status take_shot_plan_check(const longtake *e, const longtake_shot *shot, lt_error *err)
{
    if (!shot->plan)
        return LT_OK;
    return take_is_token_file(shot->plan) ? check_tokens(e, shot, err) : check_video(e, shot, err);
}

/* As many frames of a video as the span has, and `segments` need. */
static lt_status encode_video(take_run *run, const take_shot *shot, int64_t segments, tok_plan *out,
                              lt_error *err)
{
    const cfg_model *cfg = &run->engine->cfg;
    const int64_t needed = take_frames_of_latents(segments * cfg->ar_model.segment_frames);
    const semantic_source source = {.path = shot->plan,
                                    .fit = take_media_fit(run->spec.fit),
                                    .from_seconds = shot->plan_from_seconds,
                                    .most_frames = needed,
                                    .most_seconds = shot->plan_seconds};
    return take_encode_video(run, &source, run->spec.codes, out, NULL, err);
}

/* One past the last segment of a shot and the events that it tells. */
static int64_t end_of_shot(const take_run *run, int shot)
{
    const take_spec *s = &run->spec;
    int after = shot + 1;
    while (after < s->shots && s->shot[after].is_event)
        after++;
    const int64_t next = after < s->shots
                             ? take_segment_of_change(&s->time, s->shot[after].at_frame)
                             : run->plan.segments;
    return next < run->plan.segments ? next : run->plan.segments;
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
