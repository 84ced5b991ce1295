/* clip_rate.h - the rate at which a video's frames are those of a model.
 *
 * A take that was written with another rate (--fps) plays the same frames faster or slower: what
 * moves in it moves as the model knows it from frame to frame, not from second to second. Such a
 * file says so of itself, and is read frame by frame; any other video is read by the clock.
 */
#ifndef TAKE_CLIP_RATE_H
#define TAKE_CLIP_RATE_H

#include "kernels/core/json.h"
#include "media/frame_reader.h"

/* How these very frames were made, by the video's own account; free it. NULL where it does not say,
 * or another program wrote it again, which may have lost some. */
lt_json *take_clip_about(const media_video_info *clip);
/* Has the reader, of which no frame was read yet, hand out frames of a model of `fps`; `about` is
 * that of its video, NULL: it is read by the clock. */
void take_read_at_clip_rate(media_reader *reader, const lt_json *about, double fps);
/* What `path` is that can be read but once, "standard input" or "a pipe or device"; NULL: a file,
 * or what opening it tells. */
const char *take_read_once(const char *path);
/* *fps: frames a second at which the video `path` is read for a model of `model_fps`, by which
 * moments in frames are seconds of it. LT_ERR_USAGE for what cannot be read twice, LT_ERR_INPUT. */
lt_status take_clip_fps(const char *path, double model_fps, double *fps, lt_error *err);

#endif
