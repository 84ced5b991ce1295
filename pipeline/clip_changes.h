/* clip_changes.h - what becomes of a clip that is not as the model's takes are: a note of size,
 * fit, rate and sound. */
#ifndef TAKE_CLIP_CHANGES_H
#define TAKE_CLIP_CHANGES_H

#include "media/frame_reader.h"
#include "pipeline/take_run.h"

typedef struct {
    bool is_picture; /* whose rate means nothing */
    bool is_heard;   /* a sound would be missed */
} take_clip_use;

/* `clip`: as it was opened, at the model's size and rate. */
void take_tell_changes(take_run *run, const char *path, const media_video_info *clip,
                       take_clip_use use);
/* `clip`: after it was read. A warning where pictures of it were damaged. */
void take_warn_of_damage(take_run *run, const char *path, const media_video_info *clip);

#endif
