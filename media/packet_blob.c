/* packet_blob.c - see packet_blob.h. */
#include "media/packet_blob.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    char magic[8];
    int32_t format;
    int32_t width;
    int32_t height;
    int32_t rate_num;
    int32_t rate_den;
    int32_t codec_header_bytes;
    int64_t pictures;
} blob_header;

typedef struct {
    int64_t bytes;
    int64_t picture;
    int64_t is_key;
} packet_header;

static const char magic[8] = "LTPKT-1";

/* ---- writing ---- */

static void append(media_blob_writer *w, const void *data, size_t bytes)
{
    if (w->failed || bytes == 0)
        return;
    if (w->capacity - w->bytes < bytes) {
        const size_t capacity = 2 * w->capacity + bytes;
        uint8_t *larger = realloc(w->data, capacity);
        if (!larger) {
            w->failed = true;
            return;
        }
        w->data = larger;
        w->capacity = capacity;
    }
    memcpy(w->data + w->bytes, data, bytes);
    w->bytes += bytes;
}

void media_blob_begin(media_blob_writer *w, const media_blob_info *info)
{
    *w = (media_blob_writer){0};
    blob_header h = {.format = (int32_t)info->format,
                     .width = info->width,
                     .height = info->height,
                     .rate_num = info->rate_num,
                     .rate_den = info->rate_den,
                     .codec_header_bytes = (int32_t)info->codec_header_bytes};
    memcpy(h.magic, magic, sizeof magic);
    append(w, &h, sizeof h);
    append(w, info->codec_header, info->codec_header_bytes);
}

void media_blob_add(media_blob_writer *w, const uint8_t *packet, size_t bytes, int64_t picture,
                    bool is_key)
{
    const packet_header h = {.bytes = (int64_t)bytes, .picture = picture, .is_key = is_key};
    append(w, &h, sizeof h);
    append(w, packet, bytes);
}

lt_status media_blob_finish(media_blob_writer *w, int64_t pictures, void **blob, size_t *bytes,
                            lt_error *err)
{
    if (w->failed) {
        media_blob_drop(w);
        return lt_fail(err, LT_ERR_RESOURCES, "encoded window: no memory for %lld pictures",
                       (long long)pictures);
    }
    blob_header h;
    memcpy(&h, w->data, sizeof h);
    h.pictures = pictures;
    memcpy(w->data, &h, sizeof h);
    *blob = w->data;
    *bytes = w->bytes;
    *w = (media_blob_writer){0};
    return LT_OK;
}

void media_blob_drop(media_blob_writer *w)
{
    free(w->data);
    *w = (media_blob_writer){0};
}

/* ---- reading ---- */

/* The next `bytes` bytes, or NULL. */
static const uint8_t *take(media_blob_reader *r, int64_t bytes)
{
    if (bytes < 0 || bytes > r->end - r->at)
        return NULL;
    const uint8_t *taken = r->at;
    r->at += bytes;
    return taken;
}

static lt_status cut_off(lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "encoded window: cut off or damaged");
}

lt_status media_blob_open(media_blob_reader *r, const void *blob, size_t bytes, lt_error *err)
{
    *r = (media_blob_reader){.at = blob, .end = (const uint8_t *)blob + bytes};
    blob_header h;
    const uint8_t *start = take(r, sizeof h);
    if (!start || memcmp(start, magic, sizeof magic) != 0)
        return lt_fail(err, LT_ERR_INPUT, "encoded window: %zu bytes that do not begin with %s",
                       bytes, magic);
    memcpy(&h, start, sizeof h);
    const uint8_t *codec_header = take(r, h.codec_header_bytes);
    if (!codec_header || h.format < 0 || h.format >= MEDIA_FORMATS || h.rate_num < 1 ||
        h.rate_den < 1 || h.pictures < 0 || h.width < 1 || h.height < 1)
        return cut_off(err);
    r->info = (media_blob_info){.format = (media_format)h.format,
                                .width = h.width,
                                .height = h.height,
                                .rate_num = h.rate_num,
                                .rate_den = h.rate_den,
                                .pictures = h.pictures,
                                .codec_header = codec_header,
                                .codec_header_bytes = (size_t)h.codec_header_bytes};
    return LT_OK;
}

lt_status media_blob_next(media_blob_reader *r, media_blob_packet *out, bool *got, lt_error *err)
{
    *got = false;
    if (r->at == r->end)
        return LT_OK;
    packet_header h;
    const uint8_t *start = take(r, sizeof h);
    if (!start)
        return cut_off(err);
    memcpy(&h, start, sizeof h);
    const uint8_t *data = take(r, h.bytes);
    if (!data || h.picture < 0 || h.picture >= r->info.pictures)
        return cut_off(err);
    *out = (media_blob_packet){
        .data = data, .bytes = (size_t)h.bytes, .picture = h.picture, .is_key = h.is_key != 0};
    *got = true;
    return LT_OK;
}
