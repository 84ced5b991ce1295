/* minimal_generate.c - from a prompt to a video file, with nothing left out that a program needs.
 *
 *     cc minimal_generate.c $(pkg-config --cflags --libs longtake) -o minimal_generate
 *     ./minimal_generate mini "a red ball bounces on a beach at noon, then night falls" 30 ball.mp4
 */
#include <stdio.h>
#include <stdlib.h>

#include "longtake.h"

static int show_progress(void *user, const longtake_event *event)
{
    (void)user;
    if (event->kind == LONGTAKE_EVENT_WINDOW_DONE)
        fprintf(stderr, "window %lld of %lld is in the file\n", (long long)event->window + 1,
                (long long)event->windows);
    return 0; /* anything else would stop the run */
}

static int fail(const longtake_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return (int)error->code;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "minimal_generate: expected MODEL PROMPT SECONDS OUTPUT\n");
        return LONGTAKE_ERR_USAGE;
    }
    longtake_error error;
    longtake_options options;
    longtake *engine = NULL;
    longtake_options_init(&options);
    options.model = argv[1];
    if (longtake_open(&options, &engine, &error) != LONGTAKE_OK)
        return fail(&error);

    longtake_request request;
    longtake_result result;
    longtake_request_init(&request);
    request.prompt = argv[2];
    request.settings.seconds = atof(argv[3]);
    request.output = argv[4];
    request.on_event = show_progress;
    const longtake_status status = longtake_generate(engine, &request, &result, &error);
    if (status == LONGTAKE_OK)
        printf("%s: %lld frames, seed %lld, made in %.1f s\n", argv[4], (long long)result.frames,
               (long long)result.seed, result.seconds);
    longtake_result_clear(&result);
    longtake_close(engine);
    return status == LONGTAKE_OK ? 0 : fail(&error);
}
