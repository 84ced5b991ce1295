/* clip_rate.h - the rate at which a video's frames are those of a model.
 *
 * A take that was written with another rate (--fps) plays the same frames faster or slower: what
 * moves in it moves as the model knows it from frame to frame, not from second to second. Such a
 * file says so of itself, and is read frame by frame; any other video is read by the clock.
 */
#ifndef TAKE_CLIP_RATE_H
#define TAKE_CLIP_RATE_H

#include "media/frame_reader.h"

/* Has the reader, of which no frame was read yet, hand out frames of a model of `fps`. A video that
 * another program wrote again may have lost some: it is read by the clock. */
void take_read_at_clip_rate(media_reader *reader, double fps);

#endif
