/* fuzz_video.c - any bytes as a video: a few pictures of it, at the size of a small model. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "media/frame_reader.h"
#include "tests/support/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { WIDTH = 32, HEIGHT = 16, MOST_FRAMES = 16 };
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    const media_read_options options = {.width = WIDTH, .height = HEIGHT, .fps = 8};
    char path[MEMORY_FILE_PATH];
    const int fd = memory_file(data, size, path);
    media_reader *r = NULL;
    bool got = media_reader_open(path, &options, &r, NULL) == LT_OK;
    for (int i = 0; got && i < MOST_FRAMES; i++)
        if (media_read_frame(r, rgb, &got, NULL) != LT_OK)
            break;
    media_reader_close(r);
    close(fd);
    return 0;
}
