#include "tokenizer/token_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CODEBOOK = 65536, MAX_FRAME_TOKENS = 1 << 20, MAX_SEGMENT_FRAMES = 1 << 12 };

tok_layout tok_layout_of(const cfg_tokenizer *cfg)
{
    return (tok_layout){.segment_frames = cfg->temporal_size,
                        .i_tokens = cfg->i_tokens,
                        .p_tokens = cfg->p_tokens,
                        .codebook_size = cfg->codebook_size};
}

int64_t tok_layout_tokens(const tok_layout *layout, int frames)
{
    return layout->i_tokens + (int64_t)(frames - 1) * layout->p_tokens;
}

int64_t tok_layout_most_tokens(const tok_layout *layout)
{
    const int most = layout->i_tokens > layout->p_tokens ? layout->i_tokens : layout->p_tokens;
    return (int64_t)TOK_MAX_FRAMES * most;
}

void tok_plan_clear(tok_plan *p)
{
    for (int i = 0; i < p->note_count; i++) {
        free(p->notes[i].key);
        free(p->notes[i].value);
    }
    free(p->notes);
    free(p->tokens);
    free(p->frames);
    free(p->begin);
    *p = (tok_plan){0};
}

/* --- rules ------------------------------------------------------------------------------------ */

lt_status tok_layout_check(const tok_layout *l, const char *place, lt_error *err)
{
    if (l->segment_frames < 1 || l->segment_frames > MAX_SEGMENT_FRAMES || l->i_tokens < 1 ||
        l->i_tokens > MAX_FRAME_TOKENS || l->p_tokens < 1 || l->p_tokens > MAX_FRAME_TOKENS ||
        l->codebook_size < 1 || l->codebook_size > MAX_CODEBOOK)
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: segments of %d frames with %d and %d tokens of %d codes, expected 1 to %d frames, "
            "1 to %d tokens, 1 to %d codes",
            place, l->segment_frames, l->i_tokens, l->p_tokens, l->codebook_size,
            (int)MAX_SEGMENT_FRAMES, (int)MAX_FRAME_TOKENS, (int)MAX_CODEBOOK);
    return LT_OK;
}

static lt_status check_segments(const tok_plan *p, const char *place, lt_error *err)
{
    if (p->segments < 1 || p->segments > TOK_MAX_FRAMES)
        return lt_fail(err, LT_ERR_INPUT, "%s: %lld segments, expected 1 to %d", place,
                       (long long)p->segments, (int)TOK_MAX_FRAMES);
    int64_t tokens = 0;
    int64_t frames = 0;
    for (int64_t k = 0; k < p->segments; k++) {
        if (p->frames[k] < 1 || p->frames[k] > p->layout.segment_frames)
            return lt_fail(err, LT_ERR_INPUT, "%s: segment %lld has %d frames, expected 1 to %d",
                           place, (long long)k, p->frames[k], p->layout.segment_frames);
        tokens += tok_layout_tokens(&p->layout, p->frames[k]);
        frames += p->frames[k];
    }
    if (frames > TOK_MAX_FRAMES)
        return lt_fail(err, LT_ERR_INPUT, "%s: %lld semantic frames, expected 1 to %d", place,
                       (long long)frames, (int)TOK_MAX_FRAMES);
    if (tokens != p->token_count)
        return lt_fail(err, LT_ERR_INPUT, "%s: %lld tokens, its segments need %lld", place,
                       (long long)p->token_count, (long long)tokens);
    return LT_OK;
}

static lt_status check_token(const tok_layout *l, int64_t index, int32_t token, const char *place,
                             lt_error *err)
{
    if (token < 0 || token >= l->codebook_size)
        return lt_fail(err, LT_ERR_INPUT, "%s: token %lld is %d, expected 0 to %d", place,
                       (long long)index, (int)token, l->codebook_size - 1);
    return LT_OK;
}

/* Frames of the video that a number of semantic frames can stand for. */
static int64_t video_frames_of(int64_t semantic_frames)
{
    return TOK_VIDEO_FRAMES * (semantic_frames - 1) + 1;
}

lt_status tok_plan_check(const tok_plan *p, const char *place, lt_error *err)
{
    LT_TRY(tok_layout_check(&p->layout, place, err));
    LT_TRY(check_segments(p, place, err));
    for (int64_t i = 0; i < p->token_count; i++)
        LT_TRY(check_token(&p->layout, i, p->tokens[i], place, err));
    if (!(p->fps > 0 && p->fps <= 1000))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: %g frames a second, expected more than 0 and at most 1000", place,
                       p->fps);
    const int64_t most = video_frames_of(tok_plan_semantic_frames(p));
    if (p->video_frames < 1 || p->video_frames > most)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: %lld frames of video, expected 1 to %lld for its tokens", place,
                       (long long)p->video_frames, (long long)most);
    return LT_OK;
}

/* --- making ----------------------------------------------------------------------------------- */

static lt_status no_memory(lt_error *err)
{
    return lt_fail(err, LT_ERR_RESOURCES, "tokens: no memory for a plan");
}

static lt_status allocate(tok_plan *p, int64_t tokens, int64_t segments, lt_error *err)
{
    p->tokens = malloc((size_t)tokens * sizeof *p->tokens);
    p->frames = malloc((size_t)segments * sizeof *p->frames);
    p->begin = malloc((size_t)segments * sizeof *p->begin);
    p->token_count = tokens;
    p->segments = segments;
    return p->tokens && p->frames && p->begin ? LT_OK : no_memory(err);
}

/* Segment k has so many frames, and begins where the one before ends. */
static void place_segment(tok_plan *p, int64_t k, int frames)
{
    p->frames[k] = frames;
    p->begin[k] = k == 0 ? 0 : p->begin[k - 1] + tok_layout_tokens(&p->layout, p->frames[k - 1]);
}

lt_status tok_plan_place(tok_plan *p, lt_error *err)
{
    free(p->begin);
    p->begin = malloc((size_t)p->segments * sizeof *p->begin);
    if (!p->begin)
        return no_memory(err);
    for (int64_t k = 0; k < p->segments; k++)
        place_segment(p, k, p->frames[k]);
    return LT_OK;
}

lt_status tok_plan_copy_notes(const tok_plan *from, tok_plan *to, lt_error *err)
{
    for (int i = 0; i < from->note_count; i++)
        LT_TRY(tok_plan_set_note(to, from->notes[i].key, from->notes[i].value, err));
    return LT_OK;
}

/* Full segments, then one that ends with the last token. */
static lt_status fill_segments(tok_plan *p, const int32_t *tokens, int64_t count, const char *place,
                               lt_error *err)
{
    const tok_layout *l = &p->layout;
    const int64_t full = tok_layout_tokens(l, l->segment_frames);
    const int64_t rest = count % full;
    if (count < 1 || (rest != 0 && (rest < l->i_tokens || (rest - l->i_tokens) % l->p_tokens != 0)))
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: %lld tokens, expected full segments of %lld and a last one of %d + k x %d", place,
            (long long)count, (long long)full, l->i_tokens, l->p_tokens);
    LT_TRY(allocate(p, count, (count + full - 1) / full, err));
    for (int64_t i = 0; i < count; i++) {
        LT_TRY(check_token(l, i, tokens[i], place, err));
        p->tokens[i] = (uint16_t)tokens[i];
    }
    const int last = rest == 0 ? l->segment_frames : (int)((rest - l->i_tokens) / l->p_tokens) + 1;
    for (int64_t k = 0; k < p->segments; k++)
        place_segment(p, k, k + 1 < p->segments ? l->segment_frames : last);
    return LT_OK;
}

lt_status tok_plan_make(const tok_layout *layout, const int32_t *tokens, int64_t count, double fps,
                        int64_t video_frames, const char *place, tok_plan *out, lt_error *err)
{
    *out = (tok_plan){.layout = *layout, .fps = fps, .video_frames = video_frames};
    lt_status s = tok_layout_check(layout, place, err);
    if (s == LT_OK)
        s = fill_segments(out, tokens, count, place, err);
    if (s == LT_OK && video_frames == 0)
        out->video_frames = video_frames_of(tok_plan_semantic_frames(out));
    if (s == LT_OK)
        s = tok_plan_check(out, place, err);
    if (s != LT_OK)
        tok_plan_clear(out);
    return s;
}

lt_status tok_plan_begin(const tok_layout *layout, double fps, int64_t tokens, int64_t segments,
                         const char *place, tok_plan *out, lt_error *err)
{
    *out = (tok_plan){.layout = *layout, .fps = fps};
    lt_status s = tok_layout_check(layout, place, err);
    if (s == LT_OK)
        s = allocate(out, tokens, segments, err);
    out->token_count = 0;
    out->segments = 0;
    if (s != LT_OK)
        tok_plan_clear(out);
    return s;
}

lt_status tok_plan_append(tok_plan *p, const int32_t *tokens, int frames, const char *place,
                          lt_error *err)
{
    const int64_t count = tok_layout_tokens(&p->layout, frames);
    for (int64_t i = 0; i < count; i++) {
        LT_TRY(check_token(&p->layout, p->token_count + i, tokens[i], place, err));
        p->tokens[p->token_count + i] = (uint16_t)tokens[i];
    }
    const int64_t before = p->segments == 0 ? 0 : (p->video_frames - 1) / TOK_VIDEO_FRAMES + 1;
    p->token_count += count;
    place_segment(p, p->segments++, frames);
    p->video_frames = video_frames_of(before + frames);
    return LT_OK;
}

/* --- looking ---------------------------------------------------------------------------------- */

int64_t tok_plan_semantic_frames(const tok_plan *p)
{
    int64_t frames = 0;
    for (int64_t k = 0; k < p->segments; k++)
        frames += p->frames[k];
    return frames;
}

const uint16_t *tok_plan_segment(const tok_plan *p, int64_t segment)
{
    return p->tokens + (segment < p->segments ? p->begin[segment] : p->token_count);
}

int64_t tok_plan_codes(const tok_plan *p, int64_t segment, int32_t *codes)
{
    const uint16_t *tokens = tok_plan_segment(p, segment);
    const int64_t count = tok_layout_tokens(&p->layout, p->frames[segment]);
    for (int64_t i = 0; i < count; i++)
        codes[i] = tokens[i];
    return count;
}

const char *tok_plan_note(const tok_plan *p, const char *key)
{
    for (int i = 0; i < p->note_count; i++)
        if (strcmp(p->notes[i].key, key) == 0)
            return p->notes[i].value;
    return NULL;
}

lt_status tok_plan_set_note(tok_plan *p, const char *key, const char *value, lt_error *err)
{
    char *copy = strdup(value);
    if (!copy)
        return no_memory(err);
    for (int i = 0; i < p->note_count; i++)
        if (strcmp(p->notes[i].key, key) == 0) {
            free(p->notes[i].value);
            p->notes[i].value = copy;
            return LT_OK;
        }
    tok_note *grown = realloc(p->notes, (size_t)(p->note_count + 1) * sizeof *grown);
    if (grown)
        p->notes = grown;
    char *name = grown ? strdup(key) : NULL;
    if (!name) {
        free(copy);
        return no_memory(err);
    }
    p->notes[p->note_count++] = (tok_note){name, copy};
    return LT_OK;
}

/* --- editing ---------------------------------------------------------------------------------- */

/* Frames of video at the end that the take does not deliver although its tokens stand for them. */
static int64_t trimmed(const tok_plan *p)
{
    return video_frames_of(tok_plan_semantic_frames(p)) - p->video_frames;
}

/* Appends segments first .. first + count - 1 of `from`, for which `to` has room. */
static void append_segments(tok_plan *to, const tok_plan *from, int64_t first, int64_t count)
{
    const uint16_t *begin = tok_plan_segment(from, first);
    const int64_t tokens = tok_plan_segment(from, first + count) - begin;
    memcpy(to->tokens + to->token_count, begin, (size_t)tokens * sizeof *begin);
    to->token_count += tokens;
    for (int64_t k = first; k < first + count; k++)
        place_segment(to, to->segments++, from->frames[k]);
}

static lt_status edit(const tok_plan *a, int64_t first, int64_t count, const tok_plan *b,
                      tok_plan *out, lt_error *err)
{
    *out = (tok_plan){.layout = a->layout, .fps = a->fps};
    lt_status s = allocate(out, a->token_count + (b ? b->token_count : 0),
                           a->segments + (b ? b->segments : 0), err);
    if (s == LT_OK) {
        out->token_count = 0;
        out->segments = 0;
        append_segments(out, a, first, count);
        if (b)
            append_segments(out, b, 0, b->segments);
        const tok_plan *last = b ? b : a;
        const bool same_end = b || first + count == a->segments;
        out->video_frames =
            video_frames_of(tok_plan_semantic_frames(out)) - (same_end ? trimmed(last) : 0);
        s = tok_plan_copy_notes(a, out, err);
    }
    if (s != LT_OK)
        tok_plan_clear(out);
    return s;
}

lt_status tok_plan_cut(const tok_plan *p, int64_t first, int64_t count, tok_plan *out,
                       lt_error *err)
{
    *out = (tok_plan){0};
    if (first < 0 || count < 1 || first > p->segments - count)
        return lt_fail(err, LT_ERR_USAGE, "tokens: segments %lld to %lld of %lld", (long long)first,
                       (long long)(first + count - 1), (long long)p->segments);
    return edit(p, first, count, NULL, out, err);
}

lt_status tok_plan_join(const tok_plan *a, const tok_plan *b, tok_plan *out, lt_error *err)
{
    *out = (tok_plan){0};
    if (memcmp(&a->layout, &b->layout, sizeof a->layout) != 0)
        return lt_fail(
            err, LT_ERR_INPUT,
            "tokens: plans of different models: %d + %d tokens of %d codes and %d + %d of %d",
            a->layout.i_tokens, a->layout.p_tokens, a->layout.codebook_size, b->layout.i_tokens,
            b->layout.p_tokens, b->layout.codebook_size);
    if (fabs(a->fps - b->fps) > 0)
        return lt_fail(err, LT_ERR_INPUT, "tokens: plans of %g and of %g frames a second", a->fps,
                       b->fps);
    return edit(a, 0, a->segments, b, out, err);
}
