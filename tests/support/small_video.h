/* small_video.h - videos made in the test that reads them.
 *
 * Frame k has the shade small_video_shade(k) all over, except its left third, which is red, and its
 * top third, green.
 */
#ifndef TEST_SMALL_VIDEO_H
#define TEST_SMALL_VIDEO_H

#include <stddef.h>
#include <stdint.h>

#include "media/video_file.h"
#include "media/window_encoder.h"

uint8_t small_video_shade(int64_t k);
void small_video_frame(uint8_t *rgb, int width, int height, int64_t k);
/* Frames first .. first + count - 1 as one encoded window; free() it. */
void *small_video_window(const media_spec *spec, int64_t first, int64_t count, size_t *bytes);
/* A finished file of `frames` frames in windows of 5. */
void small_video_write(const char *path, const media_spec *spec, int64_t frames,
                       const char *comment);

#endif
