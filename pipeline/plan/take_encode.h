/* take_encode.h - a reference video -> semantic codes, segment by segment, in flat memory. */
#ifndef TAKE_TAKE_ENCODE_H
#define TAKE_TAKE_ENCODE_H

#include "pipeline/plan/semantic_reader.h"
#include "pipeline/take_run.h"
#include "tokenizer/token_plan.h"

/* What was found of a video. */
typedef struct {
    bool is_pictures; /* the plan is in picture codes */
    double distance; /* mean squared distance of the encoder's vectors from their codes; below zero:
                        not measured */
    double error;    /* mean squared error of the colours that these codes tell; below zero: not
                        measured */
    /* how these very frames were made, by the video's own account; NULL: it has none */
    char *comment;
} take_encoding;

void take_encoding_clear(take_encoding *found); /* accepts a zeroed one */

/* Parts of the tokenizer that it takes, beside the features. */
unsigned take_encoding_parts(const cfg_model *cfg, take_codes codes);
/* Encodes a video, or a part of it, into a plan; all of it in codes of one kind. TAKE_CODES_PICTURE
 * needs a model that has such codes. `found` may be NULL; else take_encoding_clear it. */
lt_status take_encode_video(take_run *run, const semantic_source *source, take_codes codes,
                            tok_plan *out, take_encoding *found, lt_error *err);

#endif
