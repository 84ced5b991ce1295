/* video_input.h - opens a file of somebody else's and decodes its pictures, trusting nothing in it.
 *
 * The file is read through our own descriptor and nothing else: no protocols, no network, and a
 * file that names other files (playlists, concatenations, external tracks) does not get them. Only
 * containers of an explicit list are tried. Pictures larger than MEDIA_MOST_PIXELS are refused
 * before memory is taken for them.
 */
#ifndef MEDIA_VIDEO_INPUT_H
#define MEDIA_VIDEO_INPUT_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>

#include "kernels/core/status.h"

enum { MEDIA_MOST_PIXELS = 8192 * 8192, MEDIA_MOST_SIDE = 16384 };

typedef struct {
    const char *path; /* borrowed; for messages */
    int fd;
    AVFormatContext *format;
    AVStream *stream; /* the video */
    AVCodecContext *decoder;
    AVPacket *packet;
    bool drained;    /* the decoder has got the last packet */
    bool cut_off;    /* the packet before was not whole */
    int64_t decoded; /* pictures so far, */
    int64_t damaged; /* of these, those that were not whole: the decoder made up what was missing */
    int64_t end; /* of the pictures read, ticks of the stream; AV_NOPTS_VALUE while none said how
                    long it stands */
    double seconds_read; /* of the whole file */
    int (*stop)(void *user);
    void *user;
    bool stopped;
} media_input;

/* `path` "-" is standard input. LT_ERR_INPUT for what is no video, has no pictures, or too large
 * ones. `stop` (may be NULL) is asked between packets and while a pipe is waited for:
 * LT_ERR_CANCELLED, here and later, once it gives anything but 0. */
lt_status media_input_open(media_input *in, const char *path, int (*stop)(void *user), void *user,
                           lt_error *err);
/* Asks whether to stop. */
lt_status media_input_check(media_input *in, lt_error *err);
void media_input_close(media_input *in); /* accepts a zeroed or half-open one */
/* The next picture in order of display. *got is false at the end. LT_ERR_INPUT where the file is
 * damaged or cut off. */
lt_status media_input_next(media_input *in, AVFrame *picture, bool *got, lt_error *err);

#endif
