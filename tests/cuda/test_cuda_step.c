/* test_cuda_step.c - a step of the language model on the host's emulation: how many kernels it is,
 * how many launches and how many waits of the host, and the same codes on every device, whatever
 * the weights are stored in, on the device or coming from the host, launched, recorded or ahead;
 * failures and cancelling in the middle of a bunch. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ar_model/ar_model.h"
#include "kernels/cuda/cuda_backend.h"

enum {
    DEVICES = 3,
    LAYERS = 2,
    WIDTH = 64,
    HEADS = 2,
    LONG_PROMPT = 100, /* with what is before it 103 rows: a segment of 43 tokens behind them goes
                          on beyond 128 */
    FULL = 8,          /* frames of a segment: 27 codes */
    SEGMENTS = 3,
    MOST_CODES = 64,
    OF_A_LAYER = 5, /* normed product, attention, product that adds, gated product, product that
                       adds */
    AROUND = 5,     /* embedding; cast, norm, head, choice */
    KERNELS = LAYERS * OF_A_LAYER + AROUND,
    LAUNCHES = 2, /* of a recorded step: all but the choice; the choice */
    WAITS = 2 /* for a code, where the host waits for each: a download waits for its copy and then
                 for all */
};

static const cfg_ar cfg = {.vocab_size = 39,
                           .width = WIDTH,
                           .layers = LAYERS,
                           .heads = HEADS,
                           .mlp_width = 96,
                           .text_width = 32,
                           .micro_sinusoid = 16,
                           .micro_width = 32,
                           .rope_base = 10000,
                           .rope_length = 256,
                           .segment_frames = FULL,
                           .i_tokens = 6,
                           .p_tokens = 3,
                           .codebook_size = 32,
                           .frames_limit = 4};

static int failed;

/* Segments, and how they are made. */
typedef struct {
    const char *name;
    lt_dtype stored;
    lt_home home;
    ar_steps steps;
    double guidance;
    int context; /* above 0 a prompt leans away from the one before */
    int segments;
    int text_rows[SEGMENTS]; /* of a new prompt; 0: the one before stays */
    int frames[SEGMENTS];
    int known[SEGMENTS]; /* codes that are given */
    bool moves;          /* workspace and counters go elsewhere between two codes */
    lt_status stops;     /* how the last segment ends; one of `again` frames is made in its place;
                            LT_OK: it does not */
    int cancel_after;    /* codes of it */
    int again;
    bool bad_row; /* of the rotary tables: BAD_POSITION */
} take;

typedef struct {
    const take *take;
    lt_backend *backend; /* while it is open */
    const char *device;
    lt_dtype activation;
    int32_t ids[MOST_CODES];
    int codes;
    int known; /* of the segment that is made */
    int64_t replayed;
    char stopped[LT_ERROR_BYTES];
    int64_t stopped_at;                                   /* replayed passes by then, */
    int done;                                             /* and codes */
    size_t kernels_before, launches_before, waits_before; /* the last code, or the take */
    size_t kernels;                                       /* of the whole take */
    size_t launches;
    size_t waits; /* between the first and the last code of a segment */
    size_t least; /* kernels of a pass between two codes */
    size_t most;
    int of_a_replay; /* passes with as few launches */
    int together;    /* codes that came without a wait, */
    int bunches;     /* after the first code of a segment; and those with one */
} result;

static lt_status move_memory(lt_cuda *c, bool counters, lt_error *err)
{
    void *memory;
    unsigned *counter;
    return counters ? lt_cuda_counters(c, c->counter_bytes + (1 << 16), &counter, err)
                    : lt_cuda_workspace(c, c->workspace_bytes + (1 << 20), &memory, err);
}

static void count_from_here(result *r)
{
    r->kernels_before = host_kernels();
    r->launches_before = host_launches();
    r->waits_before = host_waits();
}

static int on_code(void *user, int done, int total)
{
    result *r = user;
    lt_error err = {0};
    (void)total;
    const size_t kernels = host_kernels() - r->kernels_before;
    const size_t waits = host_waits() - r->waits_before;
    if (done > r->known + 1) { /* the first pass has the prefix before it */
        r->least = r->least == 0 || kernels < r->least ? kernels : r->least;
        r->most = kernels > r->most ? kernels : r->most;
        r->of_a_replay += host_launches() - r->launches_before == LAUNCHES;
        r->waits += waits;
        r->together += waits == 0;
        r->bunches += waits == 1;
    }
    if (r->take->moves && (done == 4 || done == 9))
        failed += move_memory((lt_cuda *)r->backend, done == 9, &err) != LT_OK;
    count_from_here(r);
    r->done = done;
    return r->take->stops == LT_ERR_CANCELLED && done == r->take->cancel_after;
}

static lt_status make_segment(const take *t, int i, ar_session *session, result *out, lt_error *err)
{
    out->take = t;
    const ar_progress progress = {.code = on_code, .user = out};
    int32_t *ids = out->ids + out->codes;
    out->known = t->known[i];
    for (int k = 0; k < out->known; k++)
        ids[k] = k * 7 % 32;
    LT_TRY(ar_session_segment(session, t->frames[i], ids, out->known, &progress, err));
    out->codes += ar_segment_codes(&cfg, t->frames[i]);
    return LT_OK;
}

static lt_status make_segments(const take *t, ar_session *session, result *out, lt_error *err)
{
    float text[LONG_PROMPT * 32];
    for (int i = 0; i < t->segments; i++) {
        for (int k = 0; k < LONG_PROMPT * 32; k++)
            text[k] = (float)(k * 13 % 17 - 8 + i) / 16;
        const ar_condition condition = {.text = text,
                                        .text_rows = t->text_rows[i],
                                        .frames = 4,
                                        .motion = 0.1F,
                                        .change_weight = 3};
        if (t->text_rows[i] > 0)
            LT_TRY(ar_session_condition(session, &condition, err));
        LT_TRY(make_segment(t, i, session, out, err));
    }
    return LT_OK;
}

/* The last segment stops, and another is made in its place. */
static lt_status make_stopped_segments(const take *t, ar_session *session, result *out,
                                       lt_error *err)
{
    take again = *t;
    lt_error stopped = {0};
    const lt_status s = make_segments(t, session, out, &stopped);
    const int done = out->done;
    if (s != t->stops)
        return lt_fail(err, LT_ERR_FAILED, "expected to stop with %d: %d %s", (int)t->stops, (int)s,
                       stopped.message);
    memcpy(out->stopped, stopped.message, sizeof out->stopped);
    out->stopped_at = ar_session_replayed(session);
    again.stops = LT_OK;
    again.frames[t->segments - 1] = t->again;
    LT_TRY(make_segment(&again, t->segments - 1, session, out, err));
    out->take = t;
    out->done = done;
    return LT_OK;
}

static lt_status make_take(lt_backend *b, const take *t, result *out, lt_error *err)
{
    ar_session_options options = {.steps = t->steps,
                                  .context = t->context,
                                  .segments = t->segments,
                                  .text_rows = LONG_PROMPT,
                                  .may_lean = t->context > 0};
    lt_weights *weights = NULL;
    ar_model *model = NULL;
    ar_session *session = NULL;
    ar_sampling_init(&options.sampling);
    options.sampling.guidance = t->guidance;
    *out = (result){.take = t, .backend = b, .device = b->table->name, .activation = b->activation};
    const size_t kernels = host_kernels();
    const size_t launches = host_launches();
    lt_status s = lt_weights_synthetic(t->stored, 1, &weights, err);
    if (s == LT_OK) {
        lt_weights_home(weights, t->home);
        s = ar_model_open(weights, &cfg, b, &model, err);
    }
    if (s == LT_OK)
        s = ar_session_open(model, &options, &session, err);
    if (s == LT_OK)
        s = t->stops != LT_OK ? make_stopped_segments(t, session, out, err)
                              : make_segments(t, session, out, err);
    if (session != NULL)
        out->replayed = ar_session_replayed(session);
    ar_session_close(session);
    ar_model_close(model);
    lt_weights_close(weights);
    host_finish_all();
    out->kernels = host_kernels() - kernels;
    out->launches = host_launches() - launches;
    return s;
}

static void check(bool holds, const result *r, const char *what, long long found,
                  long long expected)
{
    if (holds)
        return;
    printf("FAILED %s, %s on %s in %s, guidance %g: %s: %lld, expected %lld\n", r->take->name,
           lt_dtype_name(r->take->stored), r->device, lt_dtype_name(r->activation),
           r->take->guidance, what, found, expected);
    failed++;
}

/* How often the host may have waited between the first and the last code of each segment. */
static void check_waits(const result *r)
{
    const take *t = r->take;
    int codes = 0;
    int bunches = 0;
    for (int i = 0; i < t->segments; i++) {
        const int drawn = ar_segment_codes(&cfg, t->frames[i]) - t->known[i];
        codes += drawn - 1;
        bunches += (drawn - 1) / AR_BUNCH;
    }
    if (t->steps == AR_STEPS_AHEAD) {
        check(r->bunches == bunches && r->waits == (size_t)bunches, r, "waits, one a bunch",
              (long long)r->waits, bunches);
        check(r->together == codes - bunches, r, "codes that nobody waited for", r->together,
              codes - bunches);
    } else {
        check(r->waits == (size_t)(WAITS * codes), r, "waits for each code", (long long)r->waits,
              WAITS * codes);
    }
}

/* On a card one after the other: so many kernels, so few launches. */
static void check_steps(const result *r)
{
    check(r->least == KERNELS && r->most == KERNELS, r, "kernels of a step",
          (long long)(r->least < KERNELS ? r->least : r->most), KERNELS);
    /* a segment's first pass has the prefix before it */
    const int64_t counted = r->replayed > 0 ? r->replayed - (r->take->segments - 1) : 0;
    check(r->of_a_replay == counted, r, "steps of so few launches", r->of_a_replay, counted);
}

static void check_codes(const result *first, const result *r)
{
    int at = 0;
    while (at < r->codes && r->ids[at] == first->ids[at])
        at++;
    check(at == first->codes && r->codes == first->codes, r, "codes like those of the first device",
          at, first->codes);
}

/* A token whose pass has no finite logit, because its row of the rotary tables has none: the code
 * behind it is the fourth of its bunch. */
enum {
    BAD_CODE = 11,
    BAD_POSITION = 3 + 5 + 15,
    ANGLES = WIDTH / HEADS / 2,
    TABLE = (3 + LONG_PROMPT + 43) * ANGLES
};

static const lt_backend_table *sound;
static lt_backend_table spoiling;

/* In place of that of `sound`. */
static lt_status upload_bad_row(lt_backend *b, void *device, const void *host, size_t bytes,
                                lt_error *err)
{
    float table[TABLE];
    if (bytes != sizeof table)
        return sound->upload(b, device, host, bytes, err);
    memcpy(table, host, sizeof table);
    for (int i = 0; i < ANGLES; i++)
        table[BAD_POSITION * ANGLES + i] = NAN;
    return sound->upload(b, device, table, bytes, err);
}

static void spoil_uploads(lt_backend *b)
{
    sound = b->table;
    spoiling = *sound;
    spoiling.upload = upload_bad_row;
    b->table = &spoiling;
}

/* On `b`, which is closed; the first one tells what all others must give. */
static result same_as(result *first, lt_backend *b, const take *t, int64_t replayed)
{
    lt_error err = {0};
    result r;
    if (t->bad_row)
        spoil_uploads(b);
    if (make_take(b, t, &r, &err) != LT_OK) {
        printf("FAILED %s: %s\n", t->name, err.message);
        exit(1);
    }
    if (first->codes == 0)
        *first = r;
    check_codes(first, &r);
    check(r.replayed == replayed, &r, "replayed passes", r.replayed, replayed);
    const bool ahead = t->steps == AR_STEPS_AHEAD;
    const bool plain = t->known[0] == 0 && !t->moves; /* a recording that goes waits as well */
    if (b->table->memory_free != NULL && t->home == LT_HOME_DEVICE && t->context == 0 &&
        t->stops == LT_OK) {
        check(r.kernels == first->kernels, &r, "kernels of the whole take", (long long)r.kernels,
              (long long)first->kernels);
        if (!ahead && t->known[0] == 0)
            check_steps(&r);
        if (ahead ? !t->moves : plain)
            check_waits(&r);
    }
    b->table->close(b);
    return r;
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

/* The codes of a segment do not depend on the device, nor on where matrices are. Of nine passes the
 * first one and the one of three rows run as they are; what comes from the host is not recorded,
 * and nobody is ahead of it. */
static void any_weights(lt_dtype activation, lt_dtype stored)
{
    result first = {.codes = 0};
    for (int device = 0; device < DEVICES; device++) {
        take t = {.name = "weights on the device",
                  .stored = stored,
                  .home = LT_HOME_DEVICE,
                  .steps = AR_STEPS_RECORDED,
                  .guidance = 7.5,
                  .segments = 1,
                  .text_rows = {5},
                  .frames = {2}};
        same_as(&first, emulated(device, activation), &t, 7);
        t.name = "weights from the host";
        t.home = LT_HOME_PINNED;
        t.steps = AR_STEPS_AHEAD;
        same_as(&first, emulated(device, activation), &t, 0);
    }
}

/* A short prompt, a long one, for which the arena moves, behind which positions go beyond what the
 * first recordings may look at, and a short one again; the longest segment is four bunches.
 * Recorded passes: of nine 7; of 27 all but those of one row and of three that are the first beyond
 * position 128; 6. */
static void any_position(lt_dtype activation, double guidance, bool moves)
{
    enum { REPLAYED = 7 + 25 + 6 };
    lt_error err = {0};
    lt_backend *reference = NULL;
    result first = {.codes = 0};
    take t = {.name = "one by one",
              .stored = LT_F32,
              .home = LT_HOME_DEVICE,
              .steps = AR_STEPS_LAUNCHED,
              .guidance = guidance,
              .segments = SEGMENTS,
              .text_rows = {5, LONG_PROMPT, 5},
              .frames = {2, FULL, 1}};
    same_as(&first, emulated(0, activation), &t, 0);
    t.steps = AR_STEPS_AHEAD;
    if (activation == LT_F32 && lt_reference_open(&reference, 1, &err) == LT_OK)
        same_as(&first, reference, &t, 0);
    t.moves = moves;
    for (int device = 0; device < DEVICES; device++) {
        t.name = moves ? "recorded, memory moves" : "recorded";
        t.steps = AR_STEPS_RECORDED;
        const result recorded = same_as(&first, emulated(device, activation), &t, REPLAYED);
        t.name = moves ? "ahead, memory moves" : "ahead";
        t.steps = AR_STEPS_AHEAD;
        const result ahead = same_as(&first, emulated(device, activation), &t, REPLAYED);
        check(ahead.launches == recorded.launches, &ahead, "launches", (long long)ahead.launches,
              (long long)recorded.launches);
    }
}

/* ---- in every way: one by one, recorded, and ahead on every device ---- */

enum { RUNS = 2 + DEVICES };

static const struct {
    const char *name;
    ar_steps steps;
    int device;
} runs[RUNS] = {{"one by one", AR_STEPS_LAUNCHED, 0},
                {"recorded", AR_STEPS_RECORDED, 0},
                {"ahead", AR_STEPS_AHEAD, 0},
                {"ahead", AR_STEPS_AHEAD, 1},
                {"ahead", AR_STEPS_AHEAD, 2}};

/* `replayed` is of steps that the host waits for, `ahead` of others. */
static result in_way(int run, lt_dtype activation, take *t, result *first, int64_t replayed,
                     int64_t ahead)
{
    t->name = runs[run].name;
    t->steps = runs[run].steps;
    t->stored = LT_F32;
    t->home = LT_HOME_DEVICE;
    return same_as(first, emulated(runs[run].device, activation), t,
                   t->steps == AR_STEPS_LAUNCHED ? 0
                   : t->steps == AR_STEPS_AHEAD  ? ahead
                                                 : replayed);
}

/* Given codes, few enough for a step, more, and as many as a step has at most. */
static void known_codes(lt_dtype activation, double guidance)
{
    result first = {.codes = 0};
    for (int run = 0; run < RUNS; run++) {
        take t = {.guidance = guidance,
                  .segments = SEGMENTS,
                  .text_rows = {5, 7, 5},
                  .frames = {1, 5, 1},
                  .known = {1, 8, 2}};
        in_way(run, activation, &t, &first, 3 + 8 + 4, 3 + 8 + 4);
    }
}

/* The second segment leans, so the host sees every code; the third does no longer. */
static void leaning(lt_dtype activation)
{
    /* after the first code of the first and of the third segment */
    enum { BUNCHES = 2, TOGETHER = 5 + 17 - BUNCHES };
    lt_error err = {0};
    lt_backend *reference = NULL;
    result first = {.codes = 0};
    take t = {.guidance = 7.5,
              .context = 1,
              .segments = SEGMENTS,
              .text_rows = {5, 7, 0},
              .frames = {1, 1, 5}};
    for (int run = 0; run < RUNS; run++) {
        const result r = in_way(run, activation, &t, &first, 5 + 6 + 17, 5 + 6 + 17);
        if (t.steps == AR_STEPS_AHEAD)
            check(r.bunches == BUNCHES && r.together == TOGETHER, &r, "bunches", r.bunches,
                  BUNCHES);
    }
    if (activation == LT_F32 && lt_reference_open(&reference, 1, &err) == LT_OK)
        same_as(&first, reference, &t, 0);
}

/* In the middle of a bunch, when the device was asked for three. Two of
 * its passes are not replayed. */
static void cancelled(lt_dtype activation)
{
    enum { AFTER = 11, ASKED = 3 * AR_BUNCH, AGAIN = 18 };
    result first = {.codes = 0};
    take t = {.guidance = 1, .segments = 1, .text_rows = {5}, .frames = {5}};
    in_way(0, activation, &t, &first, 0, 0);
    t.frames[0] = FULL;
    t.stops = LT_ERR_CANCELLED;
    t.cancel_after = AFTER;
    t.again = 5;
    for (int run = 0; run < RUNS; run++) {
        const result r = in_way(run, activation, &t, &first, AFTER - 2 + AGAIN, ASKED - 2 + AGAIN);
        check(r.done == AFTER, &r, "codes until cancelled", r.done, AFTER);
        check(r.replayed == 0 || r.stopped_at == r.replayed - AGAIN, &r,
              "replayed passes until cancelled", r.stopped_at, r.replayed - AGAIN);
    }
}

/* ---- a logit that is not finite ---- */

/* The same failure at the same draw, however many were asked for by then; what was asked for in
 * vain disturbs nothing. */
static void not_finite(lt_dtype activation)
{
    enum { AGAIN = 6 };
    static const char wanted[] = "language model: the logit of id 0 is not finite at draw 15";
    result first = {.codes = 0};
    for (int run = 0; run < RUNS; run++) {
        take t = {.guidance = 7.5,
                  .segments = 1,
                  .text_rows = {5},
                  .frames = {FULL},
                  .stops = LT_ERR_FAILED,
                  .again = 1,
                  .bad_row = true};
        const result r =
            in_way(run, activation, &t, &first, BAD_CODE + 1 - 2 + AGAIN, 3 * AR_BUNCH - 2 + AGAIN);
        check(strcmp(r.stopped, wanted) == 0 && r.done == BAD_CODE, &r, r.stopped, r.done,
              BAD_CODE);
    }
}

int main(void)
{
    any_weights(LT_BF16, LT_BF16);
    any_weights(LT_F32, LT_F32);
    any_weights(LT_BF16, LT_Q8);
    any_weights(LT_BF16, LT_Q4);
    any_position(LT_F32, 7.5, true);
    any_position(LT_BF16, 1, false);
    known_codes(LT_BF16, 7.5);
    leaning(LT_F32);
    cancelled(LT_BF16);
    not_finite(LT_BF16);
    printf("%d failed\n", failed);
    return failed > 0;
}
