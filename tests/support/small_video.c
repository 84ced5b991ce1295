/* small_video.c - see small_video.h. */
#include "tests/support/small_video.h"

#include <stdlib.h>

#include "tests/support/check.h"

enum { WINDOW = 5 };

uint8_t small_video_shade(int64_t k)
{
    return (uint8_t)(40 + k % 11 * 18);
}

void small_video_frame(uint8_t *rgb, int width, int height, int64_t k)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *p = rgb + 3 * (y * width + x);
            memset(p, small_video_shade(k), 3);
            if (3 * x < width)
                p[0] = 230;
            if (3 * y < height)
                p[1] = 230;
        }
}

void *small_video_window(const media_spec *spec, int64_t first, int64_t count, size_t *bytes)
{
    lt_error err = {0};
    media_encoder *e;
    void *blob = NULL;
    uint8_t *rgb = malloc(3 * (size_t)spec->width * (size_t)spec->height);
    assert_non_null(rgb);
    check_ok(media_encoder_open(spec, &e, &err), err);
    for (int64_t k = first; k < first + count; k++) {
        small_video_frame(rgb, spec->width, spec->height, k);
        check_ok(media_encoder_add(e, rgb, &err), err);
    }
    check_ok(media_encoder_finish(e, &blob, bytes, &err), err);
    free(rgb);
    return blob;
}

void small_video_write(const char *path, const media_spec *spec, int64_t frames,
                       const char *comment)
{
    lt_error err = {0};
    const media_target target = {.kind = MEDIA_FINISHED, .path = path, .comment = comment};
    media_file *f;
    check_ok(media_file_open(&target, &f, &err), err);
    for (int64_t k = 0; k < frames; k += WINDOW) {
        size_t bytes;
        void *blob = small_video_window(spec, k, frames - k < WINDOW ? frames - k : WINDOW, &bytes);
        check_ok(media_file_add(f, blob, bytes, &err), err);
        free(blob);
    }
    check_ok(media_file_close(f, &err), err);
}
