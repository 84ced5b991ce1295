/* output_kind.h - what a request writes, and whether it can be written there; decided before
 * anything is loaded. */
#ifndef TAKE_OUTPUT_KIND_H
#define TAKE_OUTPUT_KIND_H

#include "kernels/core/status.h"
#include "longtake.h"
#include "media/media_format.h"

typedef enum {
    TAKE_OUT_NONE, /* frames by callback only */
    TAKE_OUT_MP4,
    TAKE_OUT_MKV,
    TAKE_OUT_Y4M,
    TAKE_OUT_PNG,
    TAKE_OUT_MOV,
    TAKE_OUT_WEBM,
    TAKE_OUT_WEBP,
    TAKE_OUT_LT,
    TAKE_OUT_NPY,
    TAKE_OUT_LATENTS
} take_output_kind;

typedef enum { TAKE_WRITES_VIDEO, TAKE_WRITES_TOKENS, TAKE_WRITES_LATENTS } take_writes;

/* The kind from --format and the extension. LT_ERR_USAGE when they contradict each other, when the
 * extension says nothing, when a command that writes `writes` cannot write the kind, or when the
 * output's folder is not there or not writable. */
lt_status take_output_of(const longtake_request *r, take_writes writes, take_output_kind *out,
                         lt_error *err);
/* The video that a kind of output is; NULL where it is none. */
const media_kind *take_video_of(take_output_kind kind);
/* The same by the extension of a file's name. */
const media_kind *take_video_named(const char *output);
/* Its format; that of an MP4 where the kind is no video. */
media_format take_format_of(take_output_kind kind);
/* A file may be replaced, and a pipe or device is written as it is: a folder is neither, nor is an
 * open file that standard output goes to, say, under a name of /proc. LT_ERR_USAGE. */
lt_status take_name_check(const char *flag, const char *path, lt_error *err);
/* The folder that a file or folder of that name lies in must be there and writable.
 * LT_ERR_USAGE. */
lt_status take_folder_check(const char *flag, const char *path, lt_error *err);
/* Both. */
lt_status take_place_check(const char *flag, const char *path, lt_error *err);

typedef enum { TAKE_FOLDER_MISSING, TAKE_FOLDER_EMPTY, TAKE_FOLDER_FILLED } take_folder;

/* What is there at `path`; no folder, or one that may not be read, is a missing one. */
take_folder take_look_into(const char *path);

#endif
