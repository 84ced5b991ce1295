/* take_encode.h - a reference video -> semantic codes, segment by segment, in flat memory. */
#ifndef TAKE_TAKE_ENCODE_H
#define TAKE_TAKE_ENCODE_H

#include "pipeline/semantic_reader.h"
#include "pipeline/take_run.h"

/* Encodes a video, or a part of it, into a plan. */
lt_status take_encode_video(take_run *run, const semantic_source *source, tok_plan *out, lt_error *err);

#endif
