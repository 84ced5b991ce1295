/* bench_report.c - `longtake bench`: timings as JSON lines, with the fields of the comparison
 * script, shares of what one large operation reaches on this machine, and what a take of the
 * released model would need. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/device_choice.h"
#include "pipeline/measure/machine_share.h"
#include "pipeline/measure/processor_name.h"
#include "pipeline/measure/stage_bench.h"
#include "pipeline/timeline.h"

/* How often a take needs a stage's `whole`. */
typedef enum { PER_TAKE, PER_SEGMENT, PER_WINDOW, PER_CLIP_OF_FRAMES, NEVER } stage_use;

static const struct {
    const char *name;
    take_bench_fn run;
    stage_use use;
    int times;
    lt_rounding rounding; /* of its products, which a device must make so */
    /* the language model and the diffusion have an encoder each */
} stages[] = {{"t5", take_bench_t5, PER_TAKE, 2, LT_ROUND_NONE},
              {"t5_int8", take_bench_t5_int8, NEVER, 0, LT_ROUND_INT8},
              {"lm", take_bench_lm, PER_SEGMENT, 1, LT_ROUND_NONE},
              {"lm_ahead", take_bench_lm_ahead, NEVER, 0, LT_ROUND_NONE},
              {"lm_launched", take_bench_lm_launched, NEVER, 0, LT_ROUND_NONE},
              {"lm_q8", take_bench_lm_q8, NEVER, 0, LT_ROUND_NONE},
              {"lm_q4", take_bench_lm_q4, NEVER, 0, LT_ROUND_NONE},
              {"tokenizer", take_bench_tokenizer, PER_SEGMENT, 1, LT_ROUND_NONE},
              {"dit", take_bench_dit, PER_WINDOW, 1, LT_ROUND_NONE},
              {"dit_fp8", take_bench_dit_fp8, NEVER, 0, LT_ROUND_E4M3},
              {"dit_int8", take_bench_dit_int8, NEVER, 0, LT_ROUND_INT8},
              {"vae_decode", take_bench_vae_decode, PER_CLIP_OF_FRAMES, 1, LT_ROUND_NONE},
              {"vae_encode", take_bench_vae_encode, NEVER, 0, LT_ROUND_NONE}};

enum { STAGES = sizeof stages / sizeof *stages };

/* The released model's grid: 8 frames a second, windows and segments of 13 latents, 7 of a window
 * known (configs/landiff.yaml). */
enum { CLIP_FRAMES = 49, LONG_FRAMES = 30 * 8, WINDOW = 13, OVERLAP = 7, SEGMENT = 13 };

static lt_status give(lt_json *o, longtake_line_fn fn, void *user, lt_error *err)
{
    char *text = lt_json_text(o);
    lt_json_free(o);
    if (!text)
        return lt_fail(err, LT_ERR_RESOURCES, "bench: out of memory");
    fn(user, text);
    free(text);
    return LT_OK;
}

static lt_json *new_line(const longtake *e, const lt_backend *backend, const char *stage,
                         const char *slice)
{
    char processor[128];
    take_processor_name(processor, sizeof processor);
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "peer", lt_json_new_string("longtake-" LONGTAKE_VERSION));
    lt_json_set(o, "stage", lt_json_new_string(stage));
    lt_json_set(o, "slice", lt_json_new_string(slice));
    lt_json_set(o, "device", lt_json_new_string(backend->table->name));
    lt_json_set(o, "processor", lt_json_new_string(processor));
    lt_json_set(o, "dtype", lt_json_new_string(lt_dtype_name(backend->activation)));
    lt_json_set(o, "threads", lt_json_new_int(take_engine_threads(e)));
    return o;
}

static lt_status give_timing(const longtake *e, const lt_backend *backend, const char *stage,
                             const take_timing *t, const take_rates *most, const take_share *share,
                             longtake_line_fn fn, void *user, lt_error *err)
{
    const double flop_per_second = t->flop / t->best.wall;
    const double bytes_per_second = t->bytes / t->best.wall;
    lt_json *o = new_line(e, backend, stage, t->slice);
    lt_json_set(o, "seconds", lt_json_new_real(t->best.wall));
    lt_json_set(o, "processor_seconds", lt_json_new_real(t->best.processor));
    if (t->flop > 0)
        lt_json_set(o, "tflops", lt_json_new_real(flop_per_second / 1e12));
    if (t->flop > 0 && most)
        lt_json_set(o, "share_of_product", lt_json_new_real(flop_per_second / most->flop));
    if (t->bytes > 0)
        lt_json_set(o, "gbytes_per_s", lt_json_new_real(bytes_per_second / 1e9));
    if (t->bytes > 0 && most)
        lt_json_set(o, "share_of_reading", lt_json_new_real(bytes_per_second / most->bytes));
    if (t->steps)
        lt_json_set(o, "steps", lt_json_new_string(t->steps));
    if (t->whole > 0)
        lt_json_set(o, "whole_stage_seconds", lt_json_new_real(t->best.wall * t->whole));
    if (share)
        take_share_to_json(share, o);
    return give(o, fn, user, err);
}

/* Times a stage, and counts its operations: in the same runs, but where that would be felt, since a
 * device is waited for around each. */
static lt_status time_stage(lt_backend *backend, take_bench_fn run, const take_rates *most,
                            take_timing *t, take_share *share, lt_error *err)
{
    const bool waits = strcmp(backend->table->name, "cuda") == 0;
    take_timing again;
    void *counted = backend->profile;
    backend->profile = NULL;
    lt_status s = waits ? run(backend, t, err) : LT_OK;
    if (s == LT_OK)
        s = lt_profile_start(backend, err);
    if (s == LT_OK)
        s = run(backend, waits ? &again : t, err);
    if (s == LT_OK)
        *share = take_share_of(backend->profile, 0, most);
    free(backend->profile);
    backend->profile = counted;
    return s;
}

/* One line; *whole, or NULL: seconds of the stage as a whole. */
static lt_status bench_stage(const longtake *e, int i, const take_rates *most, double *whole,
                             longtake_line_fn fn, void *user, lt_error *err)
{
    take_timing t = {0};
    take_share share;
    LT_TRY(time_stage(e->backend, stages[i].run, most, &t, &share, err));
    if (whole)
        *whole = t.best.wall * t.whole;
    return give_timing(e, e->backend, stages[i].name, &t, most, &share, fn, user, err);
}

static lt_status ceilings_of(longtake *e, lt_backend *backend, longtake_line_fn fn, void *user,
                             lt_error *err)
{
    for (int i = 0; i < TAKE_CEILINGS; i++) {
        take_timing t = {0};
        if (i == TAKE_CEILING_PRODUCT_INT8 && backend->rounds_to != LT_ROUND_INT8)
            continue;
        LT_TRY(take_bench_ceiling(backend, (take_ceiling)i, &t, err));
        LT_TRY(give_timing(e, backend, "ceilings", &t, NULL, NULL, fn, user, err));
    }
    return LT_OK;
}

/* The engine's precision, then on a processor the other one. */
static lt_status run_ceilings(longtake *e, longtake_line_fn fn, void *user, lt_error *err)
{
    LT_TRY(ceilings_of(e, e->backend, fn, user, err));
    if (strcmp(e->backend->table->name, "cpu") != 0)
        return LT_OK;
    lt_backend *other = NULL;
    LT_TRY(
        lt_cpu_open(&other, e->threads, e->backend->activation == LT_F32 ? LT_BF16 : LT_F32, err));
    const lt_status s = ceilings_of(e, other, fn, user, err);
    other->table->close(other);
    return s;
}

/* ---- a take of the released model, from its stages ---- */

static double uses(int stage, const take_timeline *t)
{
    switch (stages[stage].use) {
    case PER_TAKE:
        return stages[stage].times;
    case PER_SEGMENT:
        return (double)t->segments;
    case PER_WINDOW:
        return (double)t->windows;
    case PER_CLIP_OF_FRAMES:
        return (double)t->frames / CLIP_FRAMES;
    case NEVER:
        break;
    }
    return 0;
}

/* Stages one after the other; loading weights and writing the video not counted. */
static lt_status give_estimate(const longtake *e, const char *name, const char *slice,
                               int64_t frames, const double *whole, longtake_line_fn fn, void *user,
                               lt_error *err)
{
    const take_timeline t = take_timeline_of(frames, WINDOW, OVERLAP, SEGMENT);
    lt_json *o = new_line(e, e->backend, name, slice);
    lt_json *parts = lt_json_new_object();
    double seconds = 0;
    for (int i = 0; i < STAGES; i++) {
        const double part = whole[i] * uses(i, &t);
        seconds += part;
        if (part > 0)
            lt_json_set(parts, stages[i].name, lt_json_new_real(part));
    }
    lt_json_set(o, "estimated_seconds", lt_json_new_real(seconds));
    lt_json_set(o, "stages", parts);
    return give(o, fn, user, err);
}

/* What keeps a device from a stage; NULL: nothing. */
static const char *what_is_missing(const lt_backend *backend, int stage)
{
    const lt_rounding rounding = stages[stage].rounding;
    if (rounding != LT_ROUND_NONE && backend->rounds_to != rounding)
        return rounding == LT_ROUND_E4M3 ? "has no products in E4M3" : "has no products in int8";
    const bool records = backend->table->record != NULL;
    if (!records &&
        (stages[stage].run == take_bench_lm_ahead || stages[stage].run == take_bench_lm_launched))
        return "does not record, lm is the same";
    return NULL;
}

static lt_status run_all(longtake *e, longtake_line_fn fn, void *user, lt_error *err)
{
    take_rates most;
    double whole[STAGES];
    LT_TRY(take_measure_rates(e->backend, &most, err));
    for (int i = 0; i < STAGES; i++) {
        whole[i] = 0;
        if (what_is_missing(e->backend, i) == NULL)
            LT_TRY(bench_stage(e, i, &most, &whole[i], fn, user, err));
    }
    LT_TRY(give_estimate(e, "clip", "49 frames of 480x720: one window", CLIP_FRAMES, whole, fn,
                         user, err));
    return give_estimate(e, "take", "30 s of 480x720 at 8 frames a second", LONG_FRAMES, whole, fn,
                         user, err);
}

static lt_status fail_unknown(const char *stage, lt_error *err)
{
    char names[256] = "";
    for (int i = 0; i < STAGES; i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s, ", stages[i].name);
    }
    return lt_fail(err, LT_ERR_USAGE, "--stage: found \"%s\", expected %sor all", stage, names);
}

static lt_status run_stage(longtake *e, const char *stage, longtake_line_fn fn, void *user,
                           lt_error *err)
{
    if (strcmp(stage, "ceilings") == 0)
        return run_ceilings(e, fn, user, err);
    if (strcmp(stage, "all") == 0)
        return run_all(e, fn, user, err);
    for (int i = 0; i < STAGES; i++)
        if (strcmp(stages[i].name, stage) == 0) {
            const char *missing = what_is_missing(e->backend, i);
            take_rates most;
            if (missing != NULL)
                return lt_fail(err, LT_ERR_USAGE, "bench: %s: %s %s", stage,
                               e->backend->table->name, missing);
            LT_TRY(take_measure_rates(e->backend, &most, err));
            return bench_stage(e, i, &most, NULL, fn, user, err);
        }
    return fail_unknown(stage, err);
}

longtake_status longtake_bench(longtake *e, const char *stage, longtake_line_fn fn, void *user,
                               longtake_error *error)
{
    lt_error err = {0};
    if (take_need(stage, "stage", &err) != LT_OK || take_need(fn, "fn", &err) != LT_OK ||
        take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    const lt_status s = e->rounding == LT_ROUND_NONE
                            ? run_stage(e, stage, fn, user, &err)
                            : lt_fail(&err, LT_ERR_USAGE,
                                      "bench: --precision: found %s, expected auto, f32 or bf16",
                                      take_engine_precision(e));
    take_engine_leave(e);
    return take_give_error(s, &err, error);
}
