/* token_layout.h - where each kind of token sits in one segment, and which ids are not codes.
 *
 *     <I> 330 codes </I>  ( <P> 74 codes </P> ) x 12           a full segment of the release
 *
 * A segment is up to `segment_frames` semantic frames: an I-frame and its P-frames. An *offset*
 * counts tokens of a segment from its <I>; a *code number* counts its codes alone. The layout
 * decides every token but the codes, so the model is never asked for the others.
 */
#ifndef AR_TOKEN_LAYOUT_H
#define AR_TOKEN_LAYOUT_H

#include <stdint.h>

#include "configs/ar_config.h"

typedef enum { AR_CODE, AR_OPEN_I, AR_CLOSE_I, AR_OPEN_P, AR_CLOSE_P } ar_kind;

/* Ids above the codes: codebook_size + AR_SPECIAL_END and so on. */
enum {
    AR_SPECIAL_END,
    AR_SPECIAL_BEGIN,
    AR_SPECIAL_OPEN_I,
    AR_SPECIAL_CLOSE_I,
    AR_SPECIAL_OPEN_P,
    AR_SPECIAL_CLOSE_P,
    AR_SPECIAL_PAD,
    AR_SPECIAL_COUNT
};

/* What must stand at `offset` of a segment, and its id (not of AR_CODE). */
ar_kind ar_layout_kind(const cfg_ar *cfg, int offset);
int32_t ar_layout_id(const cfg_ar *cfg, ar_kind kind);
int32_t ar_begin_id(const cfg_ar *cfg); /* the first token of the prefix */

/* tokens of a segment, forced ones included */
int ar_segment_positions(const cfg_ar *cfg, int frames);
int ar_segment_codes(const cfg_ar *cfg, int frames);
/* Offset of code `number`, 0 .. ar_segment_codes - 1. */
int ar_code_offset(const cfg_ar *cfg, int number);

/* Tokens of a segment at offsets from .. to-1; codes come from `codes` (those
 * of the whole segment so far). */
void ar_layout_tokens(const cfg_ar *cfg, const int32_t *codes, int from, int to, int32_t *tokens);

/* Segments of a take of `frames` semantic frames, and the frames of segment k:
 * all full but perhaps the last. */
int64_t ar_take_segments(const cfg_ar *cfg, int64_t frames);
int ar_take_segment_frames(const cfg_ar *cfg, int64_t frames, int64_t k);

/* What the plan stores for an id that was drawn at a code position: a
 * special id becomes the last code. */
int32_t ar_output_code(const cfg_ar *cfg, int32_t id);

#endif
