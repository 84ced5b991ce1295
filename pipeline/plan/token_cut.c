/* token_cut.c - cutting plans, inside segments too, and joining them; see token_cut.h. */
#include "pipeline/plan/token_cut.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/frame_sizes.h"
#include "pipeline/timeline.h"
#include "tokenizer/tokenizer.h"

/* Frames lo .. hi-1 of a segment's codes -> codes of a segment that begins at frame lo. */
static lt_status encode_again(longtake *e, const int32_t *codes, int lo, int hi, int32_t *out,
                              lt_error *err)
{
    const cfg_tokenizer *cfg = &e->cfg.tokenizer;
    const size_t cells = (size_t)take_feature_values(cfg);
    float *features = malloc((size_t)hi * cells * sizeof *features);
    lt_weights *weights = NULL;
    tok_model *model = NULL;
    lt_status s = features ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "tokens: out of memory");
    if (s == LT_OK)
        s = take_engine_weights(e, TAKE_NET_TOKENIZER, &weights, err);
    if (s == LT_OK)
        s = tok_open(weights, cfg, e->backend, TOK_ENCODER | TOK_DECODER, &model, err);
    if (s == LT_OK)
        s = tok_decode(model, codes, hi, features, err);
    if (s == LT_OK)
        s = tok_encode(model, features + (size_t)lo * cells, hi - lo, out, NULL, err);
    tok_close(model);
    lt_weights_close(weights);
    free(features);
    return s;
}

/* Appends frames lo .. hi-1 of segment k. */
static lt_status append_part(longtake *e, const tok_plan *p, int64_t k, int lo, int hi,
                             tok_plan *out, lt_error *err)
{
    const int64_t tokens = tok_layout_tokens(&p->layout, p->frames[k]);
    int32_t *codes = malloc((size_t)tokens * 2 * sizeof *codes);
    if (!codes)
        return lt_fail(err, LT_ERR_RESOURCES, "tokens: out of memory");
    int32_t *again = codes + tokens;
    tok_plan_codes(p, k, codes);
    lt_status s = lo > 0 ? encode_again(e, codes, lo, hi, again, err) : LT_OK;
    if (s == LT_OK)
        s = tok_plan_append(out, lo > 0 ? again : codes, hi - lo, "tokens", err);
    free(codes);
    return s;
}

static lt_status cut(longtake *e, const tok_plan *p, int64_t first, int64_t end, tok_plan *out,
                     bool *again, lt_error *err)
{
    int64_t at = 0;
    LT_TRY(tok_plan_begin(&p->layout, p->fps, p->token_count, p->segments, "tokens", out, err));
    for (int64_t k = 0; k < p->segments && at < end; at += p->frames[k], k++) {
        const int lo = first > at ? (int)(first - at) : 0;
        const int hi = end - at < p->frames[k] ? (int)(end - at) : p->frames[k];
        if (lo >= hi)
            continue;
        if (lo > 0 && !e)
            return lt_fail(
                err, LT_ERR_USAGE,
                "cut: begins at semantic frame %lld, expected the beginning of a segment",
                (long long)first);
        *again = *again || lo > 0;
        LT_TRY(append_part(e, p, k, lo, hi, out, err));
    }
    return tok_plan_copy_notes(p, out, err);
}

/* The last semantic frame whose own RGB frame the plan shows; one behind it only leads to what is
 * shown of the last latent. */
static int64_t last_shown(const tok_plan *p)
{
    return (p->video_frames - 1) / TAKE_FRAMES_PER_LATENT;
}

/* ---- notes ---- */

/* A copy with another at_frame; NULL where memory is out. */
static lt_json *shot_at(const lt_json *shot, int64_t at)
{
    lt_json *copy = lt_json_copy(shot);
    lt_json_set(copy, "at_frame", lt_json_new_int(at));
    return copy;
}

int64_t take_counted_frames(const lt_json *object, const char *key)
{
    const lt_json *member =
        lt_json_kind_of(object) == LT_JSON_OBJECT ? lt_json_get(object, key) : NULL;
    const int64_t count =
        member && lt_json_kind_of(member) == LT_JSON_INT ? lt_json_int(member) : -1;
    return count >= 0 && count <= take_frames_of_latents(TOK_MAX_FRAMES) ? count : -1;
}

/* Where a shot begins; -1 where that is not said. */
static int64_t beginning_of(const lt_json *shot)
{
    return take_counted_frames(shot, "at_frame");
}

/* The shots that are in force in `frames` RGB frames from `first` on, counted from there; NULL
 * where these are no shots. */
static lt_json *shots_between(const lt_json *shots, int64_t first, int64_t frames)
{
    lt_json *kept = lt_json_new_array();
    const size_t count = lt_json_count(shots);
    for (size_t i = 0; i < count; i++) {
        const lt_json *shot = lt_json_at(shots, i);
        const int64_t begin = beginning_of(shot);
        const int64_t end = i + 1 < count ? beginning_of(lt_json_at(shots, i + 1)) : INT64_MAX;
        if (begin < 0 || end < begin) {
            lt_json_free(kept);
            return NULL;
        }
        if (end > first && begin - first < frames)
            lt_json_append(kept, shot_at(shot, begin > first ? begin - first : 0));
    }
    return kept;
}

lt_json *take_tokens_settings(const tok_plan *p)
{
    const char *note = tok_plan_note(p, "settings");
    lt_json *settings = NULL;
    lt_error ignored = {0};
    if (!note || lt_json_parse(note, strlen(note), "settings", &settings, &ignored) != LT_OK)
        return NULL;
    const lt_json *shots =
        lt_json_kind_of(settings) == LT_JSON_OBJECT ? lt_json_get(settings, "shots") : NULL;
    if (shots && lt_json_kind_of(shots) == LT_JSON_ARRAY)
        return settings;
    lt_json_free(settings);
    return NULL;
}

/* Makes `settings` tell of `frames` frames of its take, from RGB frame `first` on. */
void take_settings_of_part(lt_json *settings, int64_t first, int64_t frames)
{
    lt_json *kept = shots_between(lt_json_get(settings, "shots"), first, frames);
    lt_json_set(settings, "frames", lt_json_new_int(frames));
    if (kept)
        lt_json_set(settings, "shots", kept);
}

lt_status take_tokens_note(tok_plan *p, const char *key, const lt_json *value, lt_error *err)
{
    char *text = lt_json_text(value);
    const lt_status s = text ? tok_plan_set_note(p, key, text, err)
                             : lt_fail(err, LT_ERR_RESOURCES, "tokens: out of memory");
    free(text);
    return s;
}

/* A shot of a take that `part` tells of, for one that `whole` tells of: what it leaves to its take
 * it says itself where that says another. */
static lt_json *shot_in(const lt_json *whole, const lt_json *part, const lt_json *shot, int64_t at)
{
    static const char *const of_take[] = {"seed", "motion", "lm_cfg", "cfg_scale"};
    lt_json *told = shot_at(shot, at);
    for (size_t i = 0; i < sizeof of_take / sizeof *of_take; i++) {
        const lt_json *value = lt_json_get(part, of_take[i]);
        if (!lt_json_get(shot, of_take[i]) && value &&
            !lt_json_equal(value, lt_json_get(whole, of_take[i])))
            lt_json_set(told, of_take[i], lt_json_copy(value));
    }
    return told;
}

/* Appends the shots that `part` lists, its take beginning at frame `at`. What goes on as it was is
 * no shot of its own. */
static void append_shots(lt_json *whole, const lt_json *part, int64_t at)
{
    const lt_json *more = lt_json_get(part, "shots");
    lt_json *shots = lt_json_copy(lt_json_get(whole, "shots"));
    for (size_t i = 0; i < lt_json_count(more); i++) {
        const int64_t begin = beginning_of(lt_json_at(more, i));
        const size_t count = lt_json_count(shots);
        if (begin < 0)
            break;
        lt_json *shot = shot_in(whole, part, lt_json_at(more, i), at + begin);
        lt_json *before = count > 0 ? shot_at(lt_json_at(shots, count - 1), at + begin) : NULL;
        if (lt_json_equal(shot, before))
            lt_json_free(shot);
        else
            lt_json_append(shots, shot);
        lt_json_free(before);
    }
    lt_json_set(whole, "shots", shots);
}

/* The notes of `out`, in which `second` begins at semantic frame `at`. */
static lt_status tell_both(tok_plan *out, const tok_plan *second, int64_t at, lt_error *err)
{
    lt_json *whole = take_tokens_settings(out);
    lt_json *part = take_tokens_settings(second);
    lt_status s = LT_OK;
    if (whole) {
        take_settings_of_part(whole, 0, out->video_frames);
        if (part)
            append_shots(whole, part, at * TAKE_FRAMES_PER_LATENT);
        s = take_tokens_note(out, "settings", whole, err);
    }
    lt_json_free(whole);
    lt_json_free(part);
    const char *pictures = tok_plan_note(second, "picture_codes");
    if (s == LT_OK && pictures && !tok_plan_note(out, "picture_codes"))
        s = tok_plan_set_note(out, "picture_codes", pictures, err);
    return s;
}

lt_status take_tokens_join(const tok_plan *first, const tok_plan *second, tok_plan *out,
                           lt_error *err)
{
    /* of the first: the second begins with the first multiple of four frames that it does not show
     */
    tok_plan shown = {0};
    bool again = false;
    const int64_t frames = last_shown(first) + 1;
    LT_TRY(take_tokens_cut(NULL, first, 0, frames, &shown, &again, err));
    lt_status s = tok_plan_join(&shown, second, out, err);
    tok_plan_clear(&shown);
    if (s == LT_OK)
        s = tell_both(out, second, frames, err);
    if (s != LT_OK)
        tok_plan_clear(out);
    return s;
}

/* ---- cutting ---- */

lt_status take_tokens_cut(longtake *e, const tok_plan *p, int64_t first, int64_t count,
                          tok_plan *out, bool *again, lt_error *err)
{
    const int64_t all = tok_plan_semantic_frames(p);
    *out = (tok_plan){0};
    *again = false;
    const double seconds = TAKE_FRAMES_PER_LATENT / p->fps; /* of a semantic frame */
    if (first < 0 || first > last_shown(p) || count < 1)
        return lt_fail(
            err, LT_ERR_USAGE,
            "cut: found %lld semantic frames from %lld (%.2f s) on, expected 1 or more from 0 to %lld: "
            "the plan ends at %.2f s",
            (long long)count, (long long)first, (double)first * seconds, (long long)last_shown(p),
            (double)p->video_frames / p->fps);
    const int64_t end = count > all - first ? all : first + count;
    const lt_status s = cut(e, p, first, end, out, again, err);
    if (s != LT_OK) {
        tok_plan_clear(out);
        return s;
    }
    /* what the whole plan does not show at its end, that end does not either */
    const int64_t left = p->video_frames - first * TAKE_FRAMES_PER_LATENT;
    if (out->video_frames > left)
        out->video_frames = left;
    lt_json *settings = take_tokens_settings(out);
    if (!settings)
        return LT_OK;
    take_settings_of_part(settings, first * TAKE_FRAMES_PER_LATENT, out->video_frames);
    const lt_status told = take_tokens_note(out, "settings", settings, err);
    lt_json_free(settings);
    if (told != LT_OK)
        tok_plan_clear(out);
    return told;
}

/* ---- full segments ---- */

bool take_tokens_are_full(const tok_plan *p)
{
    for (int64_t k = 0; k + 1 < p->segments; k++)
        if (p->frames[k] != p->layout.segment_frames)
            return false;
    return true;
}

/* Features on their way from old segments to new ones. */
typedef struct {
    const tok_plan *from;
    tok_plan *to;
    tok_model *model;
    size_t cells;   /* values of a frame */
    float *old;     /* [segment, cells] */
    float *fresh;   /* [segment, cells] */
    int filled;     /* frames of `fresh` */
    int32_t *codes; /* of a segment */
} relayer;

/* The frames gathered so far become a segment. */
static lt_status end_segment(relayer *r, lt_error *err)
{
    const int frames = r->filled;
    LT_TRY(tok_encode(r->model, r->fresh, frames, r->codes, NULL, err));
    r->filled = 0;
    return tok_plan_append(r->to, r->codes, frames, "tokens", err);
}

/* Frames lo .. hi-1 of old segment k. */
static lt_status relay_segment(relayer *r, int64_t k, int lo, int hi, lt_error *err)
{
    tok_plan_codes(r->from, k, r->codes);
    LT_TRY(tok_decode(r->model, r->codes, hi, r->old, err));
    for (int i = lo; i < hi; i++) {
        memcpy(r->fresh + (size_t)r->filled * r->cells, r->old + (size_t)i * r->cells,
               r->cells * sizeof *r->old);
        if (++r->filled == r->from->layout.segment_frames)
            LT_TRY(end_segment(r, err));
    }
    return LT_OK;
}

static lt_status relay(relayer *r, int64_t first, int64_t end, lt_error *err)
{
    int64_t at = 0;
    for (int64_t k = 0; k < r->from->segments && at < end; at += r->from->frames[k], k++) {
        const int lo = first > at ? (int)(first - at) : 0;
        const int hi = end - at < r->from->frames[k] ? (int)(end - at) : r->from->frames[k];
        if (lo < hi)
            LT_TRY(relay_segment(r, k, lo, hi, err));
    }
    return r->filled > 0 ? end_segment(r, err) : LT_OK;
}

lt_status take_tokens_in_full(longtake *e, const tok_plan *p, int64_t first, int64_t end,
                              tok_plan *out, lt_error *err)
{
    const cfg_tokenizer *cfg = &e->cfg.tokenizer;
    const size_t full = (size_t)p->layout.segment_frames;
    const int64_t segments =
        (end - first + p->layout.segment_frames - 1) / p->layout.segment_frames;
    *out = (tok_plan){0};
    relayer r = {.from = p, .to = out, .cells = (size_t)take_feature_values(cfg)};
    r.old = malloc(full * r.cells * sizeof *r.old);
    r.fresh = malloc(full * r.cells * sizeof *r.fresh);
    r.codes =
        malloc((size_t)tok_layout_tokens(&p->layout, p->layout.segment_frames) * sizeof *r.codes);
    lt_weights *weights = NULL;
    lt_status s = r.old && r.fresh && r.codes
                      ? LT_OK
                      : lt_fail(err, LT_ERR_RESOURCES, "tokens: out of memory");
    if (s == LT_OK)
        s = tok_plan_begin(&p->layout, p->fps,
                           segments * tok_layout_tokens(&p->layout, p->layout.segment_frames),
                           segments, "tokens", out, err);
    if (s == LT_OK)
        s = take_engine_weights(e, TAKE_NET_TOKENIZER, &weights, err);
    if (s == LT_OK)
        s = tok_open(weights, cfg, e->backend, TOK_ENCODER | TOK_DECODER, &r.model, err);
    if (s == LT_OK)
        s = relay(&r, first, end, err);
    tok_close(r.model);
    lt_weights_close(weights);
    free(r.old);
    free(r.fresh);
    free(r.codes);
    if (s != LT_OK)
        tok_plan_clear(out);
    return s;
}
