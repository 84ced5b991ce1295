/* packet_blob.h - the encoded pictures of one window as one block of memory, to be kept in a file
 * and put together later.
 *
 *     header, the codec's own header, then for every packet its size, time, flags and bytes
 *
 * Nothing in it depends on when, where or under which name it was made.
 */
#ifndef MEDIA_PACKET_BLOB_H
#define MEDIA_PACKET_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"
#include "media/media_format.h"

typedef struct {
    media_format format;
    int width; /* of the encoded pictures */
    int height;
    int rate_num; /* pictures a second */
    int rate_den;
    int64_t pictures;
    const uint8_t *codec_header;
    size_t codec_header_bytes;
} media_blob_info;

/* ---- writing ---- */

typedef struct {
    uint8_t *data;
    size_t bytes;
    size_t capacity;
    bool failed; /* out of memory: every later step does nothing, finish says so */
} media_blob_writer;

/* info->pictures is not yet known */
void media_blob_begin(media_blob_writer *w, const media_blob_info *info);
void media_blob_add(media_blob_writer *w, const uint8_t *packet, size_t bytes, int64_t picture,
                    bool is_key);
/* The block, to be freed with free(). Leaves `w` empty. */
lt_status media_blob_finish(media_blob_writer *w, int64_t pictures, void **blob, size_t *bytes,
                            lt_error *err);
void media_blob_drop(media_blob_writer *w);

/* ---- reading ---- */

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    media_blob_info info;
} media_blob_reader;

typedef struct {
    const uint8_t *data; /* into the block */
    size_t bytes;
    int64_t picture; /* from 0 in this window */
    bool is_key;
} media_blob_packet;

/* Borrows the block. LT_ERR_INPUT when it is none of ours or cut off. */
lt_status media_blob_open(media_blob_reader *r, const void *blob, size_t bytes, lt_error *err);
lt_status media_blob_next(media_blob_reader *r, media_blob_packet *out, bool *got, lt_error *err);

#endif
