/* take_reference.h - what a take goes on from: a video up to some moment, or a picture.
 *
 * Its frames are fitted to the model's size and rate, and cut back to the time grid: 4 (latents -
 * 1) + 1 of them. They enter the take three times: as the first semantic frames of the plan, as the
 * latents that window 0 knows (its last frames, encoded in the layout that the network was trained
 * on: a first latent of one frame), and as the first frames of the output. A video of ours brings
 * its tokens along in its metadata, unless another program wrote it again: that may have cut it.
 */
#ifndef TAKE_TAKE_REFERENCE_H
#define TAKE_TAKE_REFERENCE_H

#include "pipeline/take_run.h"
#include "pipeline/take_video.h"
#include "tokenizer/token_plan.h"

struct take_reference {
    take_run *run;
    const char *path; /* borrowed */
    int64_t frames;   /* RGB frames, 4 (latents - 1) + 1 */
    int64_t latents;
    uint8_t *tail; /* its last frames, which window 0 knows: u8 [tail_frames, H, W, 3] */
    int64_t tail_frames;
    lt_hash hash;      /* of its frames as fitted */
    lt_json *about;    /* how these very frames were made, or NULL */
    double fps;        /* of its frames as they are taken: the model's, or what clip_rate.h says */
    double stored_fps; /* of the file */
    tok_plan plan;     /* [latents] semantic frames; see take_reference_plan */
};

/* Reads the reference up to `from_seconds` (below zero: its end; of a picture there is one frame),
 * and lays the run's time grid behind it: the take then has the reference's frames and `more` new
 * ones. LT_ERR_INPUT, LT_ERR_USAGE for a moment that the video does not reach. */
lt_status take_reference_open(take_reference *f, take_run *run, const char *path,
                              double from_seconds, lt_error *err);
lt_status take_reference_grid(take_reference *f, int64_t more, lt_error *err);
void take_reference_close(take_reference *f); /* accepts a zeroed one */

/* What the reference shows at its end by its own account, in the words of the model that made it:
 * *prompt, free() it; NULL where it does not say. */
lt_status take_reference_prompt(const take_reference *f, char **prompt, lt_error *err);

/* Semantic tokens of the reference: from its metadata where this model made it, else encoded. */
lt_status take_reference_plan(take_reference *f, lt_error *err);

/* The reference's frames to callback and video, in closed groups
 * that are kept in the job folder. */
lt_status take_reference_write(take_reference *f, take_decoder *d, take_video *v, lt_error *err);
int64_t take_reference_groups(const take_reference *f);
/* A group's encoded pictures; free() them. LT_ERR_FAILED when they are gone. */
lt_status take_reference_stored(take_reference *f, const media_spec *spec, int64_t group,
                                void **blob, size_t *bytes, lt_error *err);

#endif
