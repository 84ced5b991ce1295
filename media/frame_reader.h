/* frame_reader.h - any video, or picture, as RGB frames of the model's size and rate.
 *
 *     media_read_options o = {.width = 192, .height = 128, .fps = 8};
 *     LT_TRY(media_reader_open("ref.mov", &o, &r, err));
 *     while (media_read_frame(r, rgb, &got, err) == LT_OK && got) ...
 *     media_reader_close(r);
 *
 * Frame k shows the picture that stands on the screen at time k / fps, counted from the first
 * picture: the latest one whose time has come. The last picture stands as long as the file says, so
 * a 2.5 s video read at 8 fps gives 20 frames; a still picture (a file of pictures that holds one)
 * gives one at any rate. Pictures are turned upright and fitted (frame_fit.h); transparency is
 * ignored.
 * A few pictures are in memory at a time, whatever the length.
 *
 * Limits: 16384 pixels a side, 2^26 pixels a picture, 24 hours; a pixel at most 16 times as wide as
 * high, or the reverse.
 */
#ifndef MEDIA_FRAME_READER_H
#define MEDIA_FRAME_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/core/status.h"
#include "media/frame_fit.h"
#include "media/frame_turn.h"

typedef struct {
    int width; /* of the frames; 0 with height 0: as the video is seen on a screen */
    int height;
    double fps; /* 0: the video's own rate */
    media_fit fit;
    double from_seconds;     /* frame 0 shows this time */
    int (*stop)(void *user); /* asked often, also while a pipe is waited for: not 0 ends reading
                                with LT_ERR_CANCELLED; may be NULL */
    void *user;
} media_read_options;

typedef struct {
    int width; /* of the frames handed out */
    int height;
    double fps;
    int stored_width; /* in the file */
    int stored_height;
    int seen_width; /* on a screen: upright, pixels square */
    int seen_height;
    media_turn turn;   /* of its first picture */
    double stored_fps; /* mean rate; 0: not known */
    double seconds;    /* as the file says; 0: not known before it has been read */
    int64_t frames;    /* as the file says; 0: not known before it has been read */
    bool has_sound;
    int64_t damaged; /* pictures so far whose missing parts the decoder made up */
    bool told_only;  /* libav cannot decode it: all this is what the file says, and no frame of it
                        can be read */
    const char *codec;
    const char *comment; /* how the video was made, where it is one of ours; or NULL */
    bool written_again;  /* by another program, which may have cut it and kept the comment */
} media_video_info;

typedef struct media_reader media_reader;

/* `path` "-" is standard input. LT_ERR_INPUT for what is no video (audio, text, nothing at all) or
 * beyond the limits, LT_ERR_USAGE where from_seconds lies behind the end. */
lt_status media_reader_open(const char *path, const media_read_options *options, media_reader **out,
                            lt_error *err);
void media_reader_close(media_reader *r); /* accepts NULL */
const media_video_info *media_reader_info(const media_reader *r);
/* Frames at another rate than was asked for, which what the file says of itself decides; before the
 * first of them. fps > 0. */
void media_reader_read_at(media_reader *r, double fps);
/* The next frame to `rgb`, u8 [height, width, 3]; *got is false at the end. LT_ERR_INPUT where the
 * file is damaged or cut off. */
lt_status media_read_frame(media_reader *r, uint8_t *rgb, bool *got, lt_error *err);

#endif
