/* edit_tokens.c - the plan of a take is a few kilobytes of numbers: cut it, join it, and render the
 * new order.
 *
 * The second segment of a take is shown before the first. SEGMENT is the model's segment length in
 * semantic frames (13 in the released model), a semantic frame being four RGB frames.
 *
 *     edit_tokens MODEL take.lt SEGMENT swapped.mp4
 */
#include <stdio.h>
#include <stdlib.h>

#include "longtake.h"

/* The plan of `path` with its first two segments swapped and the rest left out. */
static longtake_status swap_segments(longtake *engine, const char *path, int64_t segment,
                                     const char *output, longtake_error *error)
{
    longtake_tokens *take = NULL;
    longtake_tokens *first = NULL;
    longtake_tokens *second = NULL;
    longtake_tokens *swapped = NULL;
    longtake_status s = longtake_tokens_read(engine, path, &take, error);
    if (s == LONGTAKE_OK)
        s = longtake_tokens_cut(take, 0, segment, &first, error);
    if (s == LONGTAKE_OK)
        s = longtake_tokens_cut(take, segment, segment, &second, error);
    if (s == LONGTAKE_OK)
        s = longtake_tokens_join(second, first, &swapped, error);
    if (s == LONGTAKE_OK)
        s = longtake_tokens_write(swapped, output, error);
    longtake_tokens_close(swapped);
    longtake_tokens_close(second);
    longtake_tokens_close(first);
    longtake_tokens_close(take);
    return s;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "edit_tokens: expected MODEL TOKENS SEGMENT OUTPUT\n");
        return LONGTAKE_ERR_USAGE;
    }
    longtake_error error;
    longtake_options options;
    longtake *engine = NULL;
    char plan[4096];
    snprintf(plan, sizeof plan, "%s.lt", argv[4]);
    longtake_options_init(&options);
    options.model = argv[1];
    longtake_status status = longtake_open(&options, &engine, &error);
    if (status == LONGTAKE_OK)
        status = swap_segments(engine, argv[2], atoll(argv[3]), plan, &error);
    if (status == LONGTAKE_OK) {
        longtake_request request;
        longtake_request_init(&request);
        request.input = plan;
        request.prompt = "the same scene, told in another order";
        request.output = argv[4];
        status = longtake_render(engine, &request, NULL, &error);
    }
    if (status != LONGTAKE_OK)
        fprintf(stderr, "%s\n", error.message);
    longtake_close(engine);
    return (int)status;
}
