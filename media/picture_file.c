/* picture_file.c - see picture_file.h. */
#include "media/picture_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/core/durable.h"
#include "kernels/core/file_error.h"
#include "kernels/core/pipe_guard.h"
#include "kernels/core/temporary_file.h"
#include "media/packet_blob.h"
#include "media/window_encoder.h"

static lt_status write_renamed(const char *path, const uint8_t *data, size_t bytes, lt_error *err)
{
    char *temporary = lt_temporary_name(path);
    if (!temporary)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    FILE *file = fopen(temporary, "wb");
    if (file)
        lt_temporary_hold(fileno(file));
    bool whole = file && fwrite(data, 1, bytes, file) == bytes;
    if (file && fclose(file) != 0)
        whole = false;
    lt_status s = whole ? lt_publish(temporary, path, err) : lt_fail_to_write(path, err);
    if (file && s != LT_OK)
        (void)unlink(temporary);
    free(temporary);
    return s;
}

/* Into a pipe or device, which keeps its name. */
static lt_status write_into(const char *path, const uint8_t *data, size_t bytes, lt_error *err)
{
    lt_pipe_guard guard;
    lt_pipe_guard_begin(&guard);
    FILE *file = fopen(path, "wbe");
    const bool whole = file && fwrite(data, 1, bytes, file) == bytes && fflush(file) == 0;
    const lt_status s = whole ? LT_OK : lt_fail_to_write(path, err);
    if (file)
        (void)fclose(file);
    lt_pipe_guard_end(&guard);
    return s;
}

static lt_status write_whole(const char *path, const uint8_t *data, size_t bytes, lt_error *err)
{
    return lt_takes_a_rename(path) ? write_renamed(path, data, bytes, err)
                                   : write_into(path, data, bytes, err);
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
