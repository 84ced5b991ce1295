/* video_file.h - encoded windows -> a video file.
 *
 *     media_target t = {.path = "ball.mp4", .kind = MEDIA_FINISHED, .comment = how_it_was_made};
 *     LT_TRY(media_file_open(&t, &f, err));
 *     for (each window) LT_TRY(media_file_add(f, blob, bytes, err));
 *     LT_TRY(media_file_close(f, err));
 *
 * The same windows and comment give the same bytes, whenever and wherever they are put together.
 */
#ifndef MEDIA_VIDEO_FILE_H
#define MEDIA_VIDEO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"
#include "media/media_format.h"

typedef enum {
    /* written beside `path` under a temporary name, synced and renamed when closed; MP4 and MOV can
     * be played while they are still being loaded. A device or named pipe is written as a stream.
     */
    MEDIA_FINISHED,
    /* written to `path` itself, and playable after every window: for while a take is being made. It
     * takes the place of another growing file and of nothing else (media_may_grow) */
    MEDIA_GROWING,
    MEDIA_STREAM /* written to the descriptor `fd`, a pipe for example, in one go */
} media_target_kind;

typedef struct {
    media_target_kind kind;
    const char *path;    /* not for MEDIA_STREAM */
    int fd;              /* for MEDIA_STREAM only; stays open */
    const char *comment; /* how the video was made, UTF-8; NULL: leave it out. Not of Y4M and PNG */
    bool as_mp4;         /* whatever the windows wait for: it must fit (media_format.h) */
} media_target;

typedef struct media_file media_file;

/* Windows say which kind of video it is, so nothing is written before the first. */
lt_status media_file_open(const media_target *target, media_file **out, lt_error *err);
/* The next window: all of one format, size and rate (LT_ERR_INPUT).
 * LT_ERR_RESOURCES when the disk is full. */
lt_status media_file_add(media_file *f, const void *blob, size_t bytes, lt_error *err);
/* Finishes the file and frees `f`, also when it fails; a MEDIA_FINISHED file
 * then stays as it was before. */
lt_status media_file_close(media_file *f, lt_error *err);
void media_file_abandon(media_file *f); /* without a file; accepts NULL */
/* The same, and a growing file goes too, unless its name is that of another file by now. */
void media_file_discard(media_file *f);

/* May a file grow at `path`: is nothing there, or what another one left that was never finished? */
bool media_may_grow(const char *path);

/* The names of a PNG sequence "ball.png": "ball-%05d.png". A number that the file's name has
 * already is where it stands: "%d", or "%3d" and "%03d" for three digits at least, 32 at most; the
 * first one counts. "%%" is a percent sign that begins none; one before anything else stands for
 * itself. The pattern is printf's, in which every other percent sign is doubled. free() it; NULL
 * when memory is out. */
char *media_png_pattern(const char *path);
/* That of picture `index`: "ball-00007.png", "ball007.png". free() it; NULL when memory is out. */
char *media_png_name(const char *path, int64_t index);

#endif
