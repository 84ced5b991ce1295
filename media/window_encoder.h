/* window_encoder.h - the frames of one window -> encoded pictures, one closed group with an encoder
 * of its own.
 *
 *     media_spec spec = {.format = MEDIA_MP4, .width = 192, .height = 128, .scale = 1, .fps = 8};
 *     LT_TRY(media_encoder_open(&spec, &e, err));
 *     for (...) LT_TRY(media_encoder_add(e, rgb, err));
 *     LT_TRY(media_encoder_finish(e, &blob, &bytes, err));     put together by video_file.h
 *
 * or, where all frames are there, media_encode_frames(&spec, frames, count, &blob, &bytes, err).
 *
 * A window depends on nothing but its frames, so a take that was interrupted has the same bytes as
 * one that was not. The number of encoder threads is fixed, and the encoder's name and version are
 * taken out.
 */
#ifndef MEDIA_WINDOW_ENCODER_H
#define MEDIA_WINDOW_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"
#include "media/media_format.h"

typedef struct media_encoder media_encoder;

/* LT_ERR_FAILED where this libav lacks what a kind of video is made with. */
lt_status media_encoder_check(media_format format, lt_error *err);
/* The same, and LT_ERR_USAGE for a spec that makes no sense. */
lt_status media_encoder_open(const media_spec *spec, media_encoder **out, lt_error *err);
/* One frame, u8 [height, width, 3]. */
lt_status media_encoder_add(media_encoder *e, const uint8_t *rgb, lt_error *err);
/* Closes the encoder, also when it fails. free() the block. LT_ERR_USAGE without any frame. */
lt_status media_encoder_finish(media_encoder *e, void **blob, size_t *bytes, lt_error *err);
void media_encoder_close(media_encoder *e); /* without a result; accepts NULL */

/* All of it: `frames` u8 [count, height, width, 3]. free() the block. */
lt_status media_encode_frames(const media_spec *spec, const uint8_t *frames, int64_t count,
                              void **blob, size_t *bytes, lt_error *err);

#endif
