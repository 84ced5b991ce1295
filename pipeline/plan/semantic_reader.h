/* semantic_reader.h - a video, semantic frame by semantic frame: the features that the tokenizer
 * encodes.
 *
 *     semantic_reader r;
 *     semantic_source clip = {.path = "clip.mp4"};
 *     LT_TRY(semantic_reader_open(&r, engine, &clip, TOK_ENCODER, err));
 *     while (semantic_reader_next(&r, &got, err) == LT_OK && got)
 *         LT_TRY(semantic_reader_features(&r, features, err));
 *     semantic_reader_close(&r);
 *
 * Semantic frame g is frame 4g of the video at the model's rate (a take of ours that has another is
 * read frame by frame, see clip_rate.h), fitted to the model's size. A clip
 * of F frames has 1 + ceil((F - 1) / 4) of them; its last frame stands in where 4g lies behind the
 * end. One frame is in memory at a time.
 */
#ifndef TAKE_SEMANTIC_READER_H
#define TAKE_SEMANTIC_READER_H

#include <stdbool.h>

#include "media/frame_reader.h"
#include "pipeline/engine.h"
#include "tokenizer/tokenizer.h"

/* A part of a video. */
typedef struct {
    const char *path; /* "-": standard input */
    media_fit fit;
    double from_seconds;
    int64_t most_frames;     /* 0: up to the end */
    double most_seconds;     /* of the video; 0: the same */
    int (*stop)(void *user); /* as in media_read_options */
    void *user;
} semantic_source;

typedef struct {
    semantic_source source;
    media_reader *reader;
    lt_weights *weights;
    tok_model *semantics; /* also for what else was asked of it */
    uint8_t *rgb;         /* the frame just read, u8 [height, width, 3] */
    int width;
    int height;
    int64_t frames;          /* RGB frames read */
    int64_t semantic_frames; /* handed out */
} semantic_reader;

/* The frame fit of longtake.h as media has it. */
media_fit take_media_fit(longtake_fit fit);

/* `also`: parts of the tokenizer (tok_part) that the caller needs beside the features. LT_ERR_INPUT
 * for what is no video. */
lt_status semantic_reader_open(semantic_reader *r, longtake *e, const semantic_source *source,
                               unsigned also, lt_error *err);
void semantic_reader_close(semantic_reader *r); /* accepts a zeroed or half-open one */
/* Goes to the next semantic frame; *got is false at the end. LT_ERR_INPUT where
 * the video has no frame at all. */
lt_status semantic_reader_next(semantic_reader *r, bool *got, lt_error *err);
/* The features of that frame, [grid_height, grid_width, feature_channels]. */
lt_status semantic_reader_features(semantic_reader *r, float *features, lt_error *err);
/* Semantic frames that there are in all, as far as the file says; 0: it does not. */
int64_t semantic_reader_expected(const semantic_reader *r);

#endif
