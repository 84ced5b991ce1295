/* bench_report.c - `longtake bench`: timings as JSON lines, with the fields of the comparison script. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/engine.h"
#include "pipeline/processor_name.h"
#include "pipeline/stage_bench.h"

static const struct {
    const char *name;
    take_bench_fn run;
} stages[] = {{"t5", take_bench_t5},
              {"lm", take_bench_lm},
              {"lm_q8", take_bench_lm_q8},
              {"lm_q4", take_bench_lm_q4},
              {"dit", take_bench_dit},
              {"vae_decode", take_bench_vae_decode},
              {"vae_encode", take_bench_vae_encode},
              {"tokenizer", take_bench_tokenizer}};

static lt_status give_line(const longtake *e, const char *stage, const take_timing *t, longtake_line_fn fn, void *user,
                           lt_error *err)
{
    char processor[128];
    take_processor_name(processor, sizeof processor);
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "peer", lt_json_new_string("longtake-" LONGTAKE_VERSION));
    lt_json_set(o, "stage", lt_json_new_string(stage));
    lt_json_set(o, "slice", lt_json_new_string(t->slice));
    lt_json_set(o, "device", lt_json_new_string(e->backend->table->name));
    lt_json_set(o, "processor", lt_json_new_string(processor));
    lt_json_set(o, "dtype", lt_json_new_string(lt_dtype_name(e->backend->activation)));
    lt_json_set(o, "threads", lt_json_new_int(e->threads > 0 ? e->threads : sysconf(_SC_NPROCESSORS_ONLN)));
    lt_json_set(o, "seconds", lt_json_new_real(t->best.wall));
    lt_json_set(o, "processor_seconds", lt_json_new_real(t->best.processor));
    if (t->flop > 0)
        lt_json_set(o, "tflops", lt_json_new_real(t->flop / t->best.wall / 1e12));
    if (t->bytes > 0)
        lt_json_set(o, "gbytes_per_s", lt_json_new_real(t->bytes / t->best.wall / 1e9));
    if (t->whole > 0)
        lt_json_set(o, "whole_stage_seconds", lt_json_new_real(t->best.wall * t->whole));
    char *text = lt_json_text(o);
    lt_json_free(o);
    if (!text)
        return lt_fail(err, LT_ERR_RESOURCES, "bench: out of memory");
    fn(user, text);
    free(text);
    return LT_OK;
}

static lt_status run_ceilings(longtake *e, longtake_line_fn fn, void *user, lt_error *err)
{
    for (int i = 0; i < TAKE_CEILINGS; i++) {
        take_timing t = {0};
        LT_TRY(take_bench_ceiling(e->backend, (take_ceiling)i, &t, err));
        LT_TRY(give_line(e, "ceilings", &t, fn, user, err));
    }
    return LT_OK;
}

static lt_status run_stage(longtake *e, const char *stage, longtake_line_fn fn, void *user, lt_error *err)
{
    if (strcmp(stage, "ceilings") == 0)
        return run_ceilings(e, fn, user, err);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (strcmp(stages[i].name, stage) == 0) {
            take_timing t = {0};
            LT_TRY(stages[i].run(e->backend, &t, err));
            return give_line(e, stage, &t, fn, user, err);
        }
    return lt_fail(err, LT_ERR_USAGE, "--stage: found \"%s\", expected t5, lm, lm_q8, lm_q4, dit, vae_decode, vae_encode or tokenizer", stage);
}

longtake_status longtake_bench(longtake *e, const char *stage, longtake_line_fn fn, void *user, longtake_error *error)
{
    lt_error err = {0};
    return take_give_error(run_stage(e, stage, fn, user, &err), &err, error);
}
