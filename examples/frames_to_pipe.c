/* frames_to_pipe.c - frames as they are decoded, as raw RGB on standard output; no file is written.
 *
 *     frames_to_pipe MODEL "a red ball" 24 |
 *         ffplay -f rawvideo -framerate 8 -pixel_format rgb24 -video_size 192x128 -
 */
#include <stdio.h>
#include <stdlib.h>

#include "longtake.h"

static int put_frame(void *user, int64_t index, const uint8_t *rgb, int width, int height)
{
    const size_t bytes = (size_t)width * (size_t)height * 3;
    (void)index;
    return fwrite(rgb, 1, bytes, (FILE *)user) != bytes; /* a closed pipe stops the run */
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "frames_to_pipe: expected MODEL PROMPT FRAMES\n");
        return LONGTAKE_ERR_USAGE;
    }
    longtake_error error;
    longtake_options options;
    longtake *engine = NULL;
    longtake_options_init(&options);
    options.model = argv[1];
    longtake_status status = longtake_open(&options, &engine, &error);
    if (status == LONGTAKE_OK) {
        longtake_request request;
        longtake_request_init(&request);
        request.prompt = argv[2];
        request.settings.frames = atoll(argv[3]);
        request.on_frame = put_frame;
        request.user = stdout;
        status = longtake_generate(engine, &request, NULL, &error);
    }
    if (status != LONGTAKE_OK)
        fprintf(stderr, "%s\n", error.message);
    longtake_close(engine);
    return (int)status;
}
