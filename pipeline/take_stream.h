/* take_stream.h - the windows of a take, from stage to stage: refine, decode, write. */
#ifndef TAKE_TAKE_STREAM_H
#define TAKE_TAKE_STREAM_H

#include "pipeline/latents_file.h"
#include "pipeline/take_seam.h"
#include "pipeline/take_video.h"

/* Latents of all windows as they go to a file: the grid's, or each window's
 * own where it is decoded alone. */
take_latents_shape take_latents_shape_of_run(const take_run *run);

/* What the job folder holds of a window. */
typedef enum {
    TAKE_CACHED_NOTHING,
    TAKE_CACHED_PLAN,
    TAKE_CACHED_LATENTS,
    TAKE_CACHED_VIDEO
} take_cached;

/* Looks for every window's latents and video; texts and plan have their keys. found [windows] rises
 * to what is there. */
lt_status take_stream_look(take_run *run, take_output_kind kind, take_cached *found, lt_error *err);
/* Plan -> video. The texts for refinement and the plan are there. */
lt_status take_stream_render(take_run *run, take_output_kind kind, take_seam *seam, lt_error *err);
/* Plan -> latents file (or standard output). */
lt_status take_stream_refine(take_run *run, lt_error *err);
/* Latents file (or standard input) -> video. */
lt_status take_stream_decode(take_run *run, take_latents_reader *latents, take_output_kind kind,
                             take_seam *seam, lt_error *err);

#endif
