/* test_cuda_step.c - a step of the language model on the host's emulation: how many kernels it is and how many launches, and the same codes on
 * every device, whatever the weights are stored in, on the device or coming from the host, launched or recorded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ar_model/ar_model.h"
#include "kernels/cuda/cuda_backend.h"

enum {
    DEVICES = 3,
    LAYERS = 2,
    LONG_PROMPT = 118, /* with what is before it 121 rows: a segment behind them goes on beyond 128 */
    SEGMENTS = 3,
    OF_A_LAYER = 5, /* normed product, attention, product that adds, gated product, product that adds */
    AROUND = 5,     /* embedding; cast, norm, head, choice */
    KERNELS = LAYERS * OF_A_LAYER + AROUND,
    LAUNCHES = 2    /* of a recorded step: all but the choice; the choice */
};

static const cfg_ar cfg = {.vocab_size = 39, .width = 64, .layers = LAYERS, .heads = 2, .mlp_width = 96, .text_width = 32,
                           .micro_sinusoid = 16, .micro_width = 32, .rope_base = 10000, .rope_length = 256, .segment_frames = 4,
                           .i_tokens = 6, .p_tokens = 3, .codebook_size = 32, .frames_limit = 4};

static int failed;

/* Segments, each with a prompt of its own, and how they are made. */
typedef struct {
    const char *name;
    lt_dtype stored;
    lt_home home;
    ar_steps steps;
    double guidance;
    int segments;
    int text_rows[SEGMENTS];
    int frames[SEGMENTS];
    lt_backend *moves; /* its workspace and its counters go elsewhere between two codes; or NULL */
} take;

typedef struct {
    const take *take;
    int32_t ids[64];
    int codes;
    int64_t replayed;
    size_t kernels;  /* so far */
    size_t launches;
    size_t least;    /* kernels of a pass between two codes */
    size_t most;
    int of_a_replay; /* passes with as few launches */
} result;

static lt_status move_memory(lt_cuda *c, bool counters, lt_error *err)
{
    void *memory;
    unsigned *counter;
    return counters ? lt_cuda_counters(c, c->counter_bytes + (1 << 16), &counter, err)
                    : lt_cuda_workspace(c, c->workspace_bytes + (1 << 20), &memory, err);
}

static int on_code(void *user, int done, int total)
{
    result *r = user;
    lt_error err = {0};
    (void)total;
    const size_t kernels = host_kernels() - r->kernels;
    const size_t launches = host_launches() - r->launches;
    if (done > 1) { /* the first pass has the prefix before it */
        r->least = r->least == 0 || kernels < r->least ? kernels : r->least;
        r->most = kernels > r->most ? kernels : r->most;
        r->of_a_replay += launches == LAUNCHES;
    }
    if (r->take->moves != NULL && (done == 4 || done == 5))
        failed += move_memory((lt_cuda *)r->take->moves, done == 5, &err) != LT_OK;
    r->kernels = host_kernels();
    r->launches = host_launches();
    return 0;
}

static lt_status make_segments(const take *t, ar_session *session, result *out, lt_error *err)
{
    float text[LONG_PROMPT * 32];
    for (int i = 0; i < LONG_PROMPT * 32; i++)
        text[i] = (float)(i * 13 % 17 - 8) / 16;
    const ar_progress progress = {.code = on_code, .user = out};
    for (int i = 0; i < t->segments; i++) {
        const ar_condition condition = {.text = text, .text_rows = t->text_rows[i], .frames = (float)t->frames[i], .motion = 0.1F};
        LT_TRY(ar_session_condition(session, &condition, err));
        LT_TRY(ar_session_segment(session, t->frames[i], out->ids + out->codes, 0, &progress, err));
        out->codes += ar_segment_codes(&cfg, t->frames[i]);
    }
    return LT_OK;
}

static lt_status make_take(lt_backend *b, const take *t, result *out, lt_error *err)
{
    ar_session_options options = {.steps = t->steps, .context = 0, .segments = t->segments, .text_rows = LONG_PROMPT};
    lt_weights *weights = NULL;
    ar_model *model = NULL;
    ar_session *session = NULL;
    ar_sampling_init(&options.sampling);
    options.sampling.guidance = t->guidance;
    *out = (result){.take = t};
    lt_status s = lt_weights_synthetic(t->stored, 1, &weights, err);
    if (s == LT_OK) {
        lt_weights_home(weights, t->home);
        s = ar_model_open(weights, &cfg, b, &model, err);
    }
    if (s == LT_OK)
        s = ar_session_open(model, &options, &session, err);
    if (s == LT_OK)
        s = make_segments(t, session, out, err);
    if (s == LT_OK)
        out->replayed = ar_session_replayed(session);
    ar_session_close(session);
    ar_model_close(model);
    lt_weights_close(weights);
    return s;
}

static void check(bool holds, const take *t, const lt_backend *b, const char *what, long long found, long long expected)
{
    if (holds)
        return;
    printf("FAILED %s, %s on %s in %s, guidance %g: %s: %lld, expected %lld\n", t->name, lt_dtype_name(t->stored), b->table->name,
           lt_dtype_name(b->activation), t->guidance, what, found, expected);
    failed++;
}

/* On `b`, which is closed; the first one tells what all others must give. */
static void same_as(result *first, lt_backend *b, const take *t, int64_t replayed)
{
    lt_error err = {0};
    result r;
    if (make_take(b, t, &r, &err) != LT_OK) {
        printf("FAILED %s: %s\n", t->name, err.message);
        exit(1);
    }
    if (first->codes == 0)
        *first = r;
    int at = 0;
    while (at < r.codes && r.ids[at] == first->ids[at])
        at++;
    check(at == first->codes && r.codes == first->codes, t, b, "codes like those of the first device", at, first->codes);
    check(r.replayed == replayed, t, b, "replayed passes", r.replayed, replayed);
    if (b->table->memory_free != NULL) {
        check(r.least == KERNELS && r.most == KERNELS, t, b, "kernels of a step", (long long)(r.least < KERNELS ? r.least : r.most), KERNELS);
        const int64_t counted = replayed > 0 ? replayed - (t->segments - 1) : 0; /* a segment's first pass has the prefix before it */
        check(r.of_a_replay == counted, t, b, "steps of so few launches", r.of_a_replay, counted);
    }
    b->table->close(b);
}

static lt_backend *emulated(int device, lt_dtype activation)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    if (lt_cuda_open(&b, device, activation, &err) != LT_OK) {
        printf("FAILED device %d: %s\n", device, err.message);
        exit(1);
    }
    return b;
}

/* The codes of a segment do not depend on the device, nor on where matrices are. Of nine passes the first one and the one of three rows run as
 * they are; what comes from the host is not recorded. */
static void any_weights(lt_dtype activation, lt_dtype stored)
{
    result first = {.codes = 0};
    for (int device = 0; device < DEVICES; device++) {
        take t = {"weights on the device", stored, LT_HOME_DEVICE, AR_STEPS_RECORDED, 7.5, 1, {5}, {2}, NULL};
        same_as(&first, emulated(device, activation), &t, 7);
        t.name = "weights from the host";
        t.home = LT_HOME_PINNED;
        same_as(&first, emulated(device, activation), &t, 0);
    }
}

/* A short prompt, a long one, for which the arena moves, behind which positions go beyond what the first recordings may look at, and a short one
 * again. Recorded passes: 7; 6 up to position 128, then 2 of three rows and 5 of one; 9. */
static void any_position(lt_dtype activation, double guidance)
{
    enum { REPLAYED = 7 + 6 + 2 + 5 + 9 };
    lt_error err = {0};
    lt_backend *reference = NULL;
    result first = {.codes = 0};
    take t = {"one by one", LT_F32, LT_HOME_DEVICE, AR_STEPS_LAUNCHED, guidance, SEGMENTS, {5, LONG_PROMPT, 5}, {2, 4, 2}, NULL};
    same_as(&first, emulated(0, activation), &t, 0);
    if (activation == LT_F32 && lt_reference_open(&reference, 1, &err) == LT_OK)
        same_as(&first, reference, &t, 0);
    for (int device = 0; device < DEVICES; device++) {
        t.name = "recorded, memory moves";
        t.steps = AR_STEPS_RECORDED;
        t.moves = emulated(device, activation);
        same_as(&first, t.moves, &t, REPLAYED);
    }
}

int main(void)
{
    any_weights(LT_BF16, LT_BF16);
    any_weights(LT_F32, LT_F32);
    any_weights(LT_BF16, LT_Q8);
    any_weights(LT_BF16, LT_Q4);
    any_position(LT_F32, 7.5);
    any_position(LT_BF16, 1);
    printf("%d failed\n", failed);
    return failed > 0;
}
