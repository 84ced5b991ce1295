/* test_cudnn_plans.c - the graphs of kernels/cuda with the real cuDNN, and no GPU: every large
 * shape of the released model must get a plan. cuDNN plans for a card from a description of it and
 * compiles the kernel; the driver, which would load it, is a stand-in (driver_stand_in.c, first in
 * the loader's path). Nothing runs.
 *
 *     test_cudnn_plans [CARD ...]   one of `cards`; else H100. A card takes ten seconds
 *
 * Without cuDNN: skipped (77).
 */
#include <stdio.h>
#include <string.h>

#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_conv.h"
#include "kernels/cuda/cudnn_graph.h"

/* What cuDNN asks a card for, as it writes it down itself. */
static const struct {
    const char *name;
    int version;
    int multiprocessors;
    int shared_bytes; /* that a block may ask for */
} cards[] = {
    {"A100", 800, 108, 166912}, {"A10", 860, 72, 101376},    {"L4", 890, 58, 101376},
    {"H100", 900, 132, 232448}, {"B200", 1000, 148, 232448}, {"RTX5090", 1200, 170, 101376},
};

static const char *const card_format =
    "{\"deviceName\":\"%s\",\"deviceVer\":%d,\"multiProcessorCount\":%d,\"maxSharedMemoryPerBlockOptin\":%d,"
    "\"cudaDeviceId\":0,\"driverVer\":13000,\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],"
    "\"regsPerBlock\":65536,\"warpSize\":32,\"maxSharedMemoryPerBlock\":49152,\"reservedSharedMemoryPerBlock\":1024,"
    "\"maxRegistersPerSM\":65536,\"maxCtasPerSM\":32,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,"
    "\"pciDeviceId\":0,\"isTccDriver\":0,\"supportCoopLaunch\":1,\"totalGlobalMem\":85045542912,"
    "\"smClockRateKHz\":1980000,\"memClockRateKHz\":2619000,\"l2CacheSize\":52428800}";

/* Any address that is aligned as device memory is; nothing reads it. */
static void *const somewhere = (void *)(uintptr_t)0x10000000;

static const struct {
    const char *what;
    lt_dtype type;
    int64_t frames, rows, columns, in, out; /* of the result but for `in` */
    int64_t kt, k, stride;
    int before, after; /* zeros above and left, below and right */
    bool add;
} convs[] = {
    {"decoder, last level", LT_BF16, 8, 480, 720, 128, 128, 3, 3, 1, 1, 1, true},
    {"decoder, first frames of a chunk", LT_BF16, 2, 480, 720, 256, 128, 3, 3, 1, 1, 1, false},
    {"decoder, bottom", LT_BF16, 2, 60, 90, 512, 512, 3, 3, 1, 1, 1, true},
    {"decoder, latents", LT_BF16, 2, 60, 90, 16, 512, 3, 3, 1, 1, 1, false},
    {"decoder, pixels", LT_BF16, 8, 480, 720, 128, 3, 3, 3, 1, 1, 1, false},
    {"decoder, after doubling", LT_BF16, 8, 240, 360, 256, 256, 1, 3, 1, 1, 1, false},
    {"decoder, gain", LT_BF16, 2, 60, 90, 16, 512, 1, 1, 1, 0, 0, false},
    {"encoder, pixels", LT_BF16, 9, 480, 720, 3, 128, 3, 3, 1, 1, 1, false},
    {"encoder, halving", LT_BF16, 9, 240, 360, 128, 128, 1, 3, 2, 0, 1, false},
    {"upsampler", LT_BF16, 13, 30, 45, 768, 512, 1, 3, 1, 1, 1, true},
    {"f32, in time", LT_F32, 2, 60, 90, 128, 128, 3, 3, 1, 1, 1, true},
    {"f32, halving", LT_F32, 2, 30, 45, 64, 64, 1, 3, 2, 0, 1, false},
};

static lt_conv_piece piece_of(int i)
{
    lt_conv_piece p;
    memset(&p, 0, sizeof p);
    p.type = convs[i].type;
    p.in = p.w = p.out = somewhere;
    p.bias = somewhere;
    p.add = convs[i].add ? somewhere : NULL;
    p.frames = convs[i].frames;
    p.out_rows = convs[i].rows;
    p.out_columns = convs[i].columns;
    p.out_channels = convs[i].out;
    p.in_rows =
        (convs[i].rows - 1) * convs[i].stride + convs[i].k - convs[i].before - convs[i].after;
    p.in_columns =
        (convs[i].columns - 1) * convs[i].stride + convs[i].k - convs[i].before - convs[i].after;
    p.in_channels = convs[i].in;
    p.in_frame = p.in_rows * p.in_columns * p.in_channels;
    p.out_frame = p.out_rows * p.out_columns * p.out_channels;
    p.kt = convs[i].kt;
    p.kh = p.kw = convs[i].k;
    p.stride = convs[i].stride;
    p.top = p.left = convs[i].before;
    p.bottom = p.right = convs[i].after;
    return p;
}

/* Whether the head of this one may be made in bands of rows (cuda_conv.cu). */
static bool has_bands(int i)
{
    return convs[i].type == LT_BF16 && convs[i].kt > 1 && convs[i].rows == 480;
}

/* Rows from the middle of the first two frames: those of the result, and of what is added, have the
 * rest of the image between them. */
static lt_conv_piece band_of(int i)
{
    enum { ROWS = 180 };
    lt_conv_piece p = piece_of(i);
    p.frames = 2;
    p.out_rows = ROWS;
    p.in_rows = ROWS + p.kh - 1;
    p.in_frame = p.in_rows * p.in_columns * p.in_channels;
    p.top = p.bottom = 0;
    return p;
}

static const struct {
    const char *what;
    int batches, n, m, heads, d;
} attentions[] = {
    {"diffusion, one item", 1, 17776, 17776, 30, 64},
    {"diffusion, both items", 2, 17776, 17776, 30, 64},
    {"diffusion, video rows ask", 1, 17550, 17776, 30, 64},
    {"heads of 128", 1, 2048, 2048, 16, 128},
};

/* q, k and v as columns of one fused projection [B, rows, 3 h d]. */
static lt_attention_job attention_of(int i)
{
    lt_attention_job j;
    memset(&j, 0, sizeof j);
    j.q = j.k = j.v = j.out = somewhere;
    j.type = LT_BF16;
    j.batches = attentions[i].batches;
    j.n = attentions[i].n;
    j.m = attentions[i].m;
    j.heads = attentions[i].heads;
    j.d = attentions[i].d;
    j.scale = 0.125F;
    const int64_t width = (int64_t)j.heads * j.d;
    const int64_t fused[] = {3 * width * j.m, 3 * width, j.d};
    const int64_t packed[] = {width * j.n, width, j.d};
    memcpy(j.q_stride, fused, sizeof fused);
    memcpy(j.k_stride, fused, sizeof fused);
    memcpy(j.v_stride, fused, sizeof fused);
    memcpy(j.out_stride, packed, sizeof packed);
    return j;
}

static int judge(const char *card, const char *operation, const char *what, lt_status s,
                 const lt_cudnn_plan *plan, lt_error *err)
{
    if (s == LT_OK && plan != NULL) {
        printf("%s %-9s %-34s %zu bytes of workspace\n", card, operation, what,
               lt_cudnn_plan_workspace(plan));
        return 0;
    }
    printf("FAILED %s %s %s: %s\n", card, operation, what, s == LT_OK ? "no plan" : err->message);
    *err = (lt_error){0};
    return 1;
}

static int try_conv(lt_cudnn *l, const char *card, const char *operation, int i, lt_conv_piece p,
                    lt_error *err)
{
    lt_cudnn_plan *plan = NULL;
    const lt_status s = lt_cudnn_conv_plan(l, &p, &plan, err);
    return judge(card, operation, convs[i].what, s, plan, err);
}

/* Odd numbers of channels, and an address that is so many elements behind an aligned one: a plan or
 * none, but no failure, as our own kernel does what has no plan. */
static int try_odd(lt_cudnn *l, const char *card, lt_dtype type, int elements, lt_error *err)
{
    lt_conv_piece p = piece_of(0);
    p.type = type;
    p.in_channels = 5;
    p.out_channels = 7;
    p.in_frame = p.in_rows * p.in_columns * p.in_channels;
    p.out_frame = p.out_rows * p.out_columns * p.out_channels;
    p.in = (char *)somewhere + elements * (int)lt_dtype_bytes(type);
    lt_cudnn_plan *plan = NULL;
    const lt_status s = lt_cudnn_conv_plan(l, &p, &plan, err);
    printf("%s%s odd       %s, address + %d: %s\n", s == LT_OK ? "" : "FAILED ", card,
           lt_dtype_name(type), elements,
           s != LT_OK     ? err->message
           : plan == NULL ? "no plan"
                          : "a plan");
    *err = (lt_error){0};
    return s != LT_OK;
}

static int try_card(int card, lt_error *err)
{
    char properties[1024];
    lt_cudnn *l;
    int failed = 0;
    (void)snprintf(properties, sizeof properties, card_format, cards[card].name,
                   cards[card].version, cards[card].multiprocessors, cards[card].shared_bytes);
    if (lt_cudnn_open_without_device(properties, &l, err) != LT_OK)
        return -1;
    for (int i = 0; i < (int)(sizeof convs / sizeof *convs); i++) {
        failed += try_conv(l, cards[card].name, "conv", i, piece_of(i), err);
        if (has_bands(i))
            failed += try_conv(l, cards[card].name, "band", i, band_of(i), err);
    }
    for (int elements = 0; elements <= 1; elements++) {
        failed += try_odd(l, cards[card].name, LT_F32, elements, err);
        failed += try_odd(l, cards[card].name, LT_BF16, elements, err);
    }
    for (int i = 0; i < (int)(sizeof attentions / sizeof *attentions); i++) {
        const lt_attention_job j = attention_of(i);
        lt_cudnn_plan *plan = NULL;
        const lt_status s = lt_cudnn_attention_plan(l, &j, &plan, err);
        failed += judge(cards[card].name, "attention", attentions[i].what, s, plan, err);
    }
    lt_cudnn_close(l);
    return failed;
}

static bool asked_for(const char *card, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], card) == 0)
            return true;
    return argc == 1 && strcmp(card, "H100") == 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int card = 0; card < (int)(sizeof cards / sizeof *cards); card++) {
        lt_error err = {0};
        if (!asked_for(cards[card].name, argc, argv))
            continue;
        const int here = try_card(card, &err);
        if (here < 0) {
            printf("skipped: %s\n", err.message);
            return err.code == LT_ERR_DEVICE ? 77 : 1;
        }
        failed += here;
    }
    printf("%d failed\n", failed);
    return failed > 0;
}
