/* token_cut.h - any span of a plan as a plan of its own, and two plans as one.
 *
 * Inside a segment a frame depends on earlier frames only, so an end may lie anywhere: the segment
 * becomes shorter. A beginning inside a segment has no I-frame; its features are decoded and
 * encoded again as a segment of their own.
 */
#ifndef TAKE_TOKEN_CUT_H
#define TAKE_TOKEN_CUT_H

#include "kernels/core/json.h"
#include "pipeline/engine.h"
#include "tokenizer/token_plan.h"

/* Semantic frames first .. first + count - 1, or up to the plan's end, where the part ends as the
 * plan does: with what lies behind its last frame, which is not shown. A part of n that ends before
 * shows 4 (n - 1) + 1 frames. Notes are kept, those of length and shots for the part. LT_ERR_USAGE
 * for a beginning behind what the plan shows. *again says whether a segment was encoded again, for
 * which `e` must be there: else LT_ERR_USAGE. */
lt_status take_tokens_cut(longtake *e, const tok_plan *p, int64_t first, int64_t count,
                          tok_plan *out, bool *again, lt_error *err);

/* One plan behind the other, which begins with the first multiple of four frames that the first
 * does not show: of F and G frames come F rounded up to a multiple of four, and G. Notes are those
 * of the first; of length and shots they tell the whole. */
lt_status take_tokens_join(const tok_plan *first, const tok_plan *second, tok_plan *out,
                           lt_error *err);

/* Sets a note to the text of `value`. */
lt_status take_tokens_note(tok_plan *p, const char *key, const lt_json *value, lt_error *err);
/* The plan's note "settings", which lists shots; NULL where there is none, or another program's.
 * lt_json_free() it. */
lt_json *take_tokens_settings(const tok_plan *p);

/* Frames that a member of an object counts; -1 where none does, or no take is so long. */
int64_t take_counted_frames(const lt_json *object, const char *key);

/* Of a take's settings: those of its frames first .. first + frames - 1. */
void take_settings_of_part(lt_json *settings, int64_t first, int64_t frames);

/* Has the plan full segments, but for its last, as a take's own plan has? */
bool take_tokens_are_full(const tok_plan *p);
/* Semantic frames first .. end - 1 in full segments: what their codes say is encoded again. The
 * frames must be there. */
lt_status take_tokens_in_full(longtake *e, const tok_plan *p, int64_t first, int64_t end,
                              tok_plan *out, lt_error *err);

#endif
