/* test_cuda_room.c - how a take makes do with a card's memory and with what can be pinned of the
 * host's: everything on the card, networks in turns, matrices from the host. The choice for the
 * released model on cards of several sizes and for mini as less and less is allowed; mini's text
 * encoder as it was chosen: it takes no more of the card than was foreseen, and its rows have the
 * same bytes; what an earlier take left; a lost device. On the host's emulation. */
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

enum {
    MEBIBYTE = 1 << 20,
    EVERYTHING = TAKE_DOES_TOKENS | TAKE_DOES_REFINE | TAKE_DOES_DECODE | TAKE_DOES_KEEP
};

/* A model on the emulated card. */
static longtake *open_model(const char *model, lt_dtype activation)
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
    if (longtake_open(&options, &e, &error) != LONGTAKE_OK ||
        lt_cuda_open(&card, 0, activation, &err) != LT_OK) {
        printf("FAILED %s: %s%s\n", model, error.message, err.message);
        exit(1);
    }
    e->backend->table->close(e->backend);
    e->backend = card;
    return e;
}

/* The way of an eight-second take on a card with so many bytes free or kept by backends, of which
 * so many are allowed (0: all). */
static lt_status choose_within(longtake *e, size_t card, int64_t allowed, take_memory *way,
                               lt_error *err)
{
    longtake_request request;
    take_spec spec;
    longtake_request_init(&request);
    request.prompt = "a red ball";
    request.settings.seconds = 8;
    *err = (lt_error){0};
    host_set_memory(card + e->backend->memory_in_use);
    e->max_memory = allowed;
    LT_TRY(take_spec_resolve(&request, &e->cfg, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0,
                             &spec, err));
    const media_spec video = {.width = spec.width, .height = spec.height};
    const lt_status s =
        take_memory_choose(e, &spec, EVERYTHING & ~(unsigned)TAKE_DOES_DECODE, &video, way, err);
    take_spec_clear(&spec);
    return s;
}

static lt_status choose(longtake *e, size_t card, take_memory *way, lt_error *err)
{
    return choose_within(e, card * MEBIBYTE, 0, way, err);
}

static void released_model(void)
{
    static const size_t cards[] = {24000, 12000, 8000, 4000};
    longtake *e = open_model("landiff", LT_BF16);
    size_t before = 0;
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
        take_memory way = {0};
        lt_error err = {0};
        char streamed[128];
        const lt_status s = choose(e, cards[i], &way, &err);
        take_memory_streamed(&way, streamed, sizeof streamed);
        printf("landiff, %zu MiB: %s, %s, %lld MiB, from the host: %s\n", cards[i],
               s == LT_OK ? "fits" : err.message,
               way.networks == TAKE_NETWORKS_TOGETHER ? "together" : "in turns",
               (long long)way.device_bytes / MEBIBYTE, streamed);
        expect(s == LT_OK ? way.device_bytes <= (int64_t)cards[i] * MEBIBYTE
                          : s == LT_ERR_DEVICE_MEMORY,
               "the choice fits", streamed);
        expect(i > 0 || streamed[0] == '\0', "24 GB hold everything", streamed);
        expect(strlen(streamed) >= before, "a smaller card has no more on it", streamed);
        before = strlen(streamed);
    }
    longtake_close(e);
}

enum { TOKENS = 7 };

/* Rows of mini's text encoder, and the most that they took of the card. */
static size_t encode(longtake *e, lt_home home, float *rows)
{
    static const int32_t ids[TOKENS] = {3, 9, 27, 81, 5, 25, 1};
    lt_error err = {0};
    lt_weights *w = NULL;
    text_encoder *encoder = NULL;
    e->home[TAKE_NET_TEXT_AR] = home;
    host_set_memory((size_t)1 << 40);
    const size_t before = host_memory_peak();
    lt_status s = take_engine_weights(e, TAKE_NET_TEXT_AR, &w, &err);
    if (s == LT_OK)
        s = text_encoder_open(w, &e->cfg.text_ar, e->backend, &encoder, &err);
    if (s == LT_OK)
        s = text_encode(encoder, ids, TOKENS, rows, &err);
    expect(s == LT_OK, "mini's text encoder", err.message);
    text_encoder_close(encoder);
    lt_weights_close(w);
    return host_memory_peak() - before;
}

static void check_encoder(longtake *e)
{
    const size_t count = (size_t)TOKENS * (size_t)e->cfg.text_ar.d_model;
    float *resident = calloc(count, sizeof *resident);
    float *streamed = calloc(count, sizeof *streamed);
    char found[64];
    if (resident == NULL || streamed == NULL)
        exit(1);
    (void)encode(e, LT_HOME_DEVICE, resident); /* takes the workspace */
    const size_t all = encode(e, LT_HOME_DEVICE, resident);
    const size_t less = encode(e, LT_HOME_PINNED, streamed);
    snprintf(found, sizeof found, "%zu bytes on the card, %zu from the host", all, less);
    printf("mini's text encoder: %s\n", found);
    expect(memcmp(resident, streamed, count * sizeof *resident) == 0,
           "the same bytes from the host", found);
    expect(less < all, "from the host it takes less of the card", found);
    free(streamed);
    free(resident);
}

/* A byte less than mini's language model or MMDiT wants can be pinned: it comes from the file,
 * which has its matrices as they are. */
static void check_file(longtake *e, const take_memory *pinned)
{
    take_memory way = {0};
    lt_error err = {0};
    char found[64];
    e->max_pinned = pinned->pinned_bytes - 1;
    const lt_status s = choose_within(e, (size_t)8000 * MEBIBYTE, pinned->device_bytes, &way, &err);
    e->max_pinned = 0;
    snprintf(found, sizeof found, "%lld bytes pinned, %lld before", (long long)way.pinned_bytes,
             (long long)pinned->pinned_bytes);
    printf("mini from the file: %s\n", found);
    bool from_file = false;
    for (int net = 0; net < TAKE_NETS; net++)
        from_file = from_file || way.home[net] == LT_HOME_FILE;
    expect(s == LT_OK && from_file && way.pinned_bytes < pinned->pinned_bytes,
           "what cannot be pinned comes from the file", found);
    expect(way.device_bytes <= pinned->device_bytes, "which takes no more of the card", found);
}

/* Matrices in bf16 are brought into f32 first, and then pinned: on a host with
 * little memory there is no way. */
static void changed_matrices(void)
{
    longtake *e = open_model("landiff", LT_F32);
    take_memory way = {0};
    lt_error err = {0};
    e->max_pinned = (int64_t)1 << 30;
    const lt_status s = choose(e, 8000, &way, &err);
    printf("landiff in f32, 8000 MiB: %s\n", err.message);
    expect(s == LT_ERR_RESOURCES && strstr(err.message, "1024 MiB can be\nhint: ") != NULL,
           "what cannot be pinned is refused", err.message);
    e->max_pinned = (int64_t)1 << 40;
    expect(choose(e, 8000, &way, &err) == LT_OK && way.pinned_bytes > (int64_t)1 << 30,
           "and taken where there is room", err.message);
    longtake_close(e);
}

/* A take before this one left workspaces, of both queues: the card is as large for the next one as
 * it was for the first. */
static void check_again(longtake *e, const take_memory *all)
{
    take_memory way = {0};
    lt_error err = {0};
    void *memory;
    host_set_memory((size_t)1 << 40);
    lt_status s = e->backend->table->again(e->backend, &e->beside, &err);
    if (s == LT_OK)
        s = lt_cuda_workspace((lt_cuda *)e->beside, (size_t)100 * MEBIBYTE, &memory, &err);
    if (s == LT_OK)
        s = lt_cuda_workspace((lt_cuda *)e->backend, (size_t)100 * MEBIBYTE, &memory, &err);
    if (s == LT_OK)
        s = choose_within(e, (size_t)all->device_bytes, 0, &way, &err);
    expect(s == LT_OK && way.device_bytes == all->device_bytes,
           "what an earlier take kept is there for this one", err.message);
}

static void check_lost(longtake *e)
{
    take_memory way = {0};
    lt_error err = {0};
    host_lose_devices(1);
    const lt_status s = choose(e, 8000, &way, &err);
    host_lose_devices(0);
    expect(s == LT_ERR_DEVICE, "a device that is lost is not called full", err.message);
}

static void check_mini(void)
{
    longtake *e = open_model("mini", LT_BF16);
    take_memory all = {0};
    take_memory least = {0};
    lt_error err = {0};
    expect(choose(e, 8000, &all, &err) == LT_OK && all.networks == TAKE_NETWORKS_TOGETHER,
           "mini on 8 GB", err.message);
    char streamed[128];
    take_memory way = all;
    for (lt_status s = LT_OK; s == LT_OK;) { /* a byte less is allowed than was needed */
        take_memory_streamed(&way, streamed, sizeof streamed);
        printf("mini: %s, %lld bytes needed, from the host: %s\n",
               way.networks == TAKE_NETWORKS_TOGETHER ? "together" : "in turns",
               (long long)way.device_bytes, streamed);
        least = way;
        s = choose_within(e, (size_t)8000 * MEBIBYTE, way.device_bytes - 1, &way, &err);
        expect(s == LT_OK ? way.device_bytes < least.device_bytes : s == LT_ERR_DEVICE_MEMORY,
               "the choice fits", err.message);
    }
    expect(least.home[TAKE_NET_MMDIT] != LT_HOME_DEVICE ||
               least.home[TAKE_NET_AR] != LT_HOME_DEVICE,
           "the least has matrices on the host", streamed);
    expect(strstr(err.message, "allowed are") != NULL && strstr(err.message, "are free") != NULL,
           "says what is allowed and free", err.message);
    check_file(e, &least);
    check_encoder(e);
    check_again(e, &all);
    check_lost(e);
    longtake_close(e);
}

int main(void)
{
    check_mini();
    released_model();
    changed_matrices();
    printf("%d failed\n", failed);
    return failed > 0;
}
