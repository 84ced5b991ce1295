/* take_encode.h - a reference video -> semantic codes, segment by segment, in flat memory.
 *
 * Semantic frame g is frame 4g of the video at the model's rate, fitted to the model's size. A clip of F frames gives
 * 1 + ceil((F - 1) / 4) semantic frames; the last frame stands in where 4g lies behind the end.
 */
#ifndef TAKE_TAKE_ENCODE_H
#define TAKE_TAKE_ENCODE_H

#include "media/frame_fit.h"
#include "pipeline/take_run.h"

media_fit take_media_fit(longtake_fit fit);

/* Reads at most `most_frames` frames of `path` ("-": standard input; 0: all) into a plan. */
lt_status take_encode_video(take_run *run, const char *path, int64_t most_frames, tok_plan *out, lt_error *err);

#endif
