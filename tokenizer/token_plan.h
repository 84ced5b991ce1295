/* token_plan.h - the semantic plan of a take as data: its tokens, how they fall into segments, how
 * it was made.
 *
 * A segment is an I-frame and its P-frames; segments stand one after the other. All but the last
 * are full in a plan that was made in one go; in one that was joined any segment may be short.
 */
#ifndef TOK_TOKEN_PLAN_H
#define TOK_TOKEN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "configs/tokenizer_config.h"
#include "kernels/core/status.h"

/* A semantic frame stands for this many frames of the video; the first for one. */
enum { TOK_VIDEO_FRAMES = 4 };

/* Semantic frames of a plan, and so its segments, at most: 65,536 segments of the released model.
 */
enum { TOK_MAX_FRAMES = 13 << 16 };

/* What the plans of one model look like. */
typedef struct {
    int segment_frames; /* of a full segment */
    int i_tokens;
    int p_tokens;
    int codebook_size; /* at most 65536 */
} tok_layout;

typedef struct {
    char *key;
    char *value;
} tok_note;

/* Owns everything in it; zero it before the first use. */
typedef struct {
    tok_layout layout;
    uint16_t *tokens; /* [token_count], each below codebook_size */
    int64_t token_count;
    int *frames;    /* [segments]: semantic frames of each */
    int64_t *begin; /* [segments]: its first token */
    int64_t segments;
    int64_t video_frames; /* what the take delivers: 1 .. TOK_VIDEO_FRAMES * (semantic frames - 1) +
                             1 */
    double fps;
    tok_note *notes; /* how it was made: prompt, seed, model, ... */
    int note_count;
    bool altered; /* the file it was read from is not as it was written: its checksum is that of
                     other content */
} tok_plan;

tok_layout tok_layout_of(const cfg_tokenizer *cfg);
/* LT_ERR_INPUT where a size is out of range. */
lt_status tok_layout_check(const tok_layout *layout, const char *place, lt_error *err);
int64_t tok_layout_tokens(const tok_layout *layout, int frames); /* of one segment */
int64_t tok_layout_most_tokens(const tok_layout *layout);        /* of the longest plan */

/* Tokens become full segments and a last one. LT_ERR_INPUT when their number or a value does not
 * fit. video_frames 0: all that the semantic frames stand for. */
lt_status tok_plan_make(const tok_layout *layout, const int32_t *tokens, int64_t count, double fps,
                        int64_t video_frames, const char *place, tok_plan *out, lt_error *err);
/* An empty plan with room for so many tokens and segments, for tok_plan_append. LT_ERR_INPUT for a
 * layout that is none. */
lt_status tok_plan_begin(const tok_layout *layout, double fps, int64_t tokens, int64_t segments,
                         const char *place, tok_plan *out, lt_error *err);
/* Appends a segment of 1 .. segment_frames frames, for which there is room; the plan then delivers
 * all that its frames stand for. LT_ERR_INPUT for a token that is none. */
lt_status tok_plan_append(tok_plan *p, const int32_t *tokens, int frames, const char *place,
                          lt_error *err);
void tok_plan_clear(tok_plan *p); /* accepts a zeroed one */
/* Every rule above. LT_ERR_INPUT; `place` starts the message. */
lt_status tok_plan_check(const tok_plan *p, const char *place, lt_error *err);

int64_t tok_plan_semantic_frames(const tok_plan *p);
/* Places the segments of a plan whose other fields were read and checked: what is left to do before
 * it is asked for one. LT_ERR_RESOURCES. */
lt_status tok_plan_place(tok_plan *p, lt_error *err);
/* Where the tokens of a segment begin; one past the last segment: the end. */
const uint16_t *tok_plan_segment(const tok_plan *p, int64_t segment);
/* The tokens of a segment as the networks take them; their number is returned. */
int64_t tok_plan_codes(const tok_plan *p, int64_t segment, int32_t *codes);
const char *tok_plan_note(const tok_plan *p, const char *key); /* NULL when absent */
lt_status tok_plan_set_note(tok_plan *p, const char *key, const char *value, lt_error *err);
/* Sets in `to` every note that `from` has. */
lt_status tok_plan_copy_notes(const tok_plan *from, tok_plan *to, lt_error *err);

/* Segments first .. first + count - 1 as a plan of its own; notes are kept. LT_ERR_USAGE when there
 * are not so many. */
lt_status tok_plan_cut(const tok_plan *p, int64_t first, int64_t count, tok_plan *out,
                       lt_error *err);
/* a, then b; notes are those of a. LT_ERR_INPUT when they are of
 * different models or frame rates. */
lt_status tok_plan_join(const tok_plan *a, const tok_plan *b, tok_plan *out, lt_error *err);

#endif
