/* token_cut.c - cutting plans, inside segments too; see token_cut.h. */
#include "pipeline/token_cut.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/timeline.h"
#include "tokenizer/tokenizer.h"

/* Frames lo .. hi-1 of a segment's codes -> codes of a segment that begins at frame lo. */
static lt_status encode_again(longtake *e, const int32_t *codes, int lo, int hi, int32_t *out, lt_error *err)
{
    const cfg_tokenizer *cfg = &e->cfg.tokenizer;
    const size_t cells = (size_t)cfg->grid_height * (size_t)cfg->grid_width * (size_t)cfg->feature_channels;
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

/* Frames lo .. hi-1 of segment k as a plan of one segment. */
static lt_status piece_of(longtake *e, const tok_plan *p, int64_t k, int lo, int hi, tok_plan *out,
                          lt_error *err)
{
    const int64_t tokens = tok_layout_tokens(&p->layout, p->frames[k]);
    int32_t *codes = malloc((size_t)tokens * 2 * sizeof *codes);
    if (!codes)
        return lt_fail(err, LT_ERR_RESOURCES, "tokens: out of memory");
    int32_t *again = codes + tokens;
    tok_plan_codes(p, k, codes);
    lt_status s = lo > 0 ? encode_again(e, codes, lo, hi, again, err) : LT_OK;
    if (s == LT_OK)
        s = tok_plan_make(&p->layout, lo > 0 ? again : codes, tok_layout_tokens(&p->layout, hi - lo), p->fps,
                          0, "tokens", out, err);
    free(codes);
    return s;
}

/* Appends `piece` and clears it. */
static lt_status append(tok_plan *all, tok_plan *piece, lt_error *err)
{
    if (all->segments == 0) {
        *all = *piece;
        *piece = (tok_plan){0};
        return LT_OK;
    }
    tok_plan both = {0};
    const lt_status s = tok_plan_join(all, piece, &both, err);
    tok_plan_clear(piece);
    if (s != LT_OK)
        return s;
    tok_plan_clear(all);
    *all = both;
    return LT_OK;
}

static lt_status cut(longtake *e, const tok_plan *p, int64_t first, int64_t end, tok_plan *out, bool *again,
                     lt_error *err)
{
    int64_t at = 0;
    for (int64_t k = 0; k < p->segments && at < end; at += p->frames[k], k++) {
        const int lo = first > at ? (int)(first - at) : 0;
        const int hi = end - at < p->frames[k] ? (int)(end - at) : p->frames[k];
        tok_plan piece = {0};
        if (lo >= hi)
            continue;
        if (lo > 0 && !e)
            return lt_fail(err, LT_ERR_USAGE,
                           "cut: begins at semantic frame %lld, expected the beginning of a segment",
                           (long long)first);
        *again = *again || lo > 0;
        LT_TRY(piece_of(e, p, k, lo, hi, &piece, err));
        LT_TRY(append(out, &piece, err));
    }
    for (int i = 0; i < p->note_count; i++)
        LT_TRY(tok_plan_set_note(out, p->notes[i].key, p->notes[i].value, err));
    return LT_OK;
}

lt_status take_tokens_cut(longtake *e, const tok_plan *p, int64_t first, int64_t count, tok_plan *out,
                          bool *again, lt_error *err)
{
    const int64_t all = tok_plan_semantic_frames(p);
    *out = (tok_plan){0};
    *again = false;
    const double seconds = TAKE_FRAMES_PER_LATENT / p->fps; /* of a semantic frame */
    if (first < 0 || first >= all || count < 1)
        return lt_fail(err, LT_ERR_USAGE, "cut: found %lld semantic frames from %lld (%.1f s) on, the plan has %lld (%.1f s)",
                       (long long)count, (long long)first, (double)first * seconds, (long long)all, (double)all * seconds);
    const int64_t end = count > all - first ? all : first + count;
    const lt_status s = cut(e, p, first, end, out, again, err);
    if (s != LT_OK) {
        tok_plan_clear(out);
        return s;
    }
    if (end ==
        all) { /* what the whole plan does not deliver of its last latent, the end of it does not either */
        out->video_frames -= take_frames_of_latents(all) - p->video_frames;
        out->video_frames = out->video_frames < 1 ? 1 : out->video_frames;
    }
    return LT_OK;
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
    size_t cells;    /* values of a frame */
    float *old;      /* [segment, cells] */
    float *fresh;    /* [segment, cells] */
    int filled;      /* frames of `fresh` */
    int32_t *codes;  /* of a segment */
} relayer;

/* The frames gathered so far become a segment. */
static lt_status end_segment(relayer *r, lt_error *err)
{
    const tok_layout *layout = &r->from->layout;
    tok_plan piece = {0};
    LT_TRY(tok_encode(r->model, r->fresh, r->filled, r->codes, NULL, err));
    LT_TRY(tok_plan_make(layout, r->codes, tok_layout_tokens(layout, r->filled), r->from->fps, 0, "tokens", &piece, err));
    r->filled = 0;
    return append(r->to, &piece, err);
}

/* Frames lo .. hi-1 of old segment k. */
static lt_status relay_segment(relayer *r, int64_t k, int lo, int hi, lt_error *err)
{
    tok_plan_codes(r->from, k, r->codes);
    LT_TRY(tok_decode(r->model, r->codes, hi, r->old, err));
    for (int i = lo; i < hi; i++) {
        memcpy(r->fresh + (size_t)r->filled * r->cells, r->old + (size_t)i * r->cells, r->cells * sizeof *r->old);
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

lt_status take_tokens_in_full(longtake *e, const tok_plan *p, int64_t first, int64_t end, tok_plan *out,
                              lt_error *err)
{
    const cfg_tokenizer *cfg = &e->cfg.tokenizer;
    const size_t full = (size_t)p->layout.segment_frames;
    *out = (tok_plan){0};
    relayer r = {.from = p,
                 .to = out,
                 .cells = (size_t)cfg->grid_height * (size_t)cfg->grid_width * (size_t)cfg->feature_channels};
    r.old = malloc(full * r.cells * sizeof *r.old);
    r.fresh = malloc(full * r.cells * sizeof *r.fresh);
    r.codes = malloc((size_t)tok_layout_tokens(&p->layout, p->layout.segment_frames) * sizeof *r.codes);
    lt_weights *weights = NULL;
    lt_status s = r.old && r.fresh && r.codes ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "tokens: out of memory");
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
