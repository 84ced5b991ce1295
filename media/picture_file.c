/* picture_file.c - see picture_file.h. */
#include "media/picture_file.h"

#include <stdlib.h>

#include "kernels/core/output_file.h"
#include "media/packet_blob.h"
#include "media/window_encoder.h"

static lt_status write_whole(const char *path, const uint8_t *data, size_t bytes, lt_error *err)
{
    lt_output o;
    LT_TRY(lt_output_open(&o, path, err));
    const lt_status s = lt_output_write(&o, data, bytes, err);
    if (s == LT_OK)
        return lt_output_publish(&o, err);
    lt_output_abandon(&o);
    return s;
}

/* The encoded picture is the only packet of a window of one frame. */
static lt_status write_packet(const char *path, const void *blob, size_t bytes, lt_error *err)
{
    media_blob_reader reader;
    media_blob_packet packet = {0};
    bool got = false;
    LT_TRY(media_blob_open(&reader, blob, bytes, err));
    LT_TRY(media_blob_next(&reader, &packet, &got, err));
    return write_whole(path, packet.data, packet.bytes, err);
}

lt_status media_picture_write(const char *path, const uint8_t *rgb, int width, int height,
                              lt_error *err)
{
    const media_spec spec = {
        .format = MEDIA_PNG, .width = width, .height = height, .scale = 1, .fps = 1};
    void *blob = NULL;
    size_t bytes = 0;
    LT_TRY(media_encode_frames(&spec, rgb, 1, &blob, &bytes, err));
    const lt_status s = write_packet(path, blob, bytes, err);
    free(blob);
    return s;
}
