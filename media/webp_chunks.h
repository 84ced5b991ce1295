/* webp_chunks.h - what an animated WebP file says of itself, and how it is said there.
 *
 *     "RIFF" bytes "WEBP"   then chunks: four letters, bytes, what is in it, filled up to even
 *     VP8X   what there is (animation, XMP, ...), size
 *     ANIM   how often it is shown: 0 is for ever
 *     ANMF   a picture: place, size, milliseconds, and chunks of its own
 *     "XMP " an XML text; how a take was made is its dc:description
 *
 * No decoder is needed for that, and libav has none for animations. Bytes are little-endian.
 */
#ifndef MEDIA_WEBP_CHUNKS_H
#define MEDIA_WEBP_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"

typedef struct {
    bool animated; /* else nothing more is of use */
    int width;
    int height;
    int64_t pictures; /* of alike ones that follow each other one is stored */
    int64_t milliseconds;
    char *comment; /* how it was made, where it is one of ours; or NULL */
} media_webp_info;

/* What is no WebP file is none that is animated; one that is cut off or whose chunks make no sense
 * is LT_ERR_INPUT, with `name` in the message. */
lt_status media_webp_read(const uint8_t *data, size_t bytes, const char *name, media_webp_info *out,
                          lt_error *err);
/* The same of a file; what cannot be opened, or has no beginning to go back to (a pipe), is
 * not animated. */
lt_status media_webp_look(const char *path, media_webp_info *out, lt_error *err);
void media_webp_info_clear(media_webp_info *info);

/* ---- a file that is put together ---- */

typedef struct {
    uint8_t *data;
    size_t bytes;
    int width;
    int height;
    bool failed; /* out of memory, or a part made no sense: every later step does nothing */
} media_webp_file;

void media_webp_begin(media_webp_file *f, int width, int height);
/* A part: a file of libwebp's, an animation or, where its pictures are alike, a still one, which
 * stands `milliseconds` in all: the last picture gets what the others leave. */
void media_webp_add_part(media_webp_file *f, const uint8_t *part, size_t bytes,
                         int64_t milliseconds);
/* f->data is the whole file, with a comment (NULL: none). False where something failed. */
bool media_webp_end(media_webp_file *f, const char *comment);
void media_webp_drop(media_webp_file *f); /* accepts a zeroed one */

#endif
