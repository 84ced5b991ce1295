/* take_video.h - the video file that a take becomes: growing while it is made, finished at the end.
 *
 * What plays while it is written grows beside its final name as NAME.part.EXT and can be played
 * after every window; when all is there the finished file is put together from the job folder's
 * windows and renamed, and the growing one goes. A stream (descriptor_link.h) is written window by
 * window, and that is all.
 */
#ifndef TAKE_TAKE_VIDEO_H
#define TAKE_TAKE_VIDEO_H

#include "media/video_file.h"
#include "pipeline/output_kind.h"
#include "pipeline/take_decode.h"

typedef struct {
    take_run *run;
    take_output_kind kind;
    char *comment;       /* how it was made; NULL: leave it out */
    media_file *growing; /* or the stream */
    char *growing_path;  /* NULL for a stream */
    bool playable;       /* the growing file holds a window */
} take_video;

/* The pictures of a take in a kind of output. */
media_spec take_media_spec(const take_spec *s, take_output_kind kind);

/* Where a file grows. free() it; NULL when memory is out. */
char *take_growing_name(const char *output);

lt_status take_video_open(take_video *v, take_run *run, take_output_kind kind, lt_error *err);
/* The next window's encoded pictures. */
lt_status take_video_add(take_video *v, const void *blob, size_t bytes, lt_error *err);
/* Everything is there: writes the finished file. */
lt_status take_video_finish(take_video *v, take_decoder *d, lt_error *err);
/* Closes what is open; an unfinished growing file stays where it is so that it can be watched:
 * run->playable. */
void take_video_close(take_video *v);

#endif
