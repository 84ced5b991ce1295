/* foresight.c - see foresight.h. */
#include "pipeline/foresight.h"

#include <stdlib.h>

#include "pipeline/measure/speed_file.h"
#include "pipeline/take_command.h"
#include "pipeline/take_decode.h"

int64_t take_token_count(const cfg_ar *cfg, const take_timeline *t)
{
    return t->segments * cfg->i_tokens + (t->latents - t->segments) * cfg->p_tokens;
}

/* What a take is done sooner by where a window is decoded while the next one is refined: nothing is
 * refined beside the last one. */
static double spared_seconds(double refine, double decode, int64_t windows)
{
    const double beside = decode - decode / (double)windows;
    const double refined = refine - refine / (double)windows;
    return beside < refined ? beside : refined;
}

/* As fast as the stages were last. */
static void foresee_time(take_foresight *f)
{
    const longtake *e = f->task.run.engine;
    const take_spec *s = &f->task.run.spec;
    const unsigned does = f->task.command->does;
    const take_timeline *t = &s->time;
    const bool alone = s->carry == CFG_CARRY_FRAMES;
    const int prompts =
        s->shots * ((does & TAKE_DOES_TOKENS ? 1 : 0) + (does & TAKE_DOES_REFINE ? 1 : 0));
    const struct {
        take_stage stage;
        bool runs;
        double units; /* of take_clock.h */
    } part[] = {
        {TAKE_TEXT, true, prompts},
        {TAKE_TOKENS, does & TAKE_DOES_TOKENS, (double)take_token_count(&e->cfg.ar_model, t)},
        {TAKE_REFINE, does & TAKE_DOES_REFINE, (double)(t->windows * take_steps_run(s))},
        {TAKE_ENCODE, alone && does & TAKE_DOES_REFINE && t->windows > 1, (double)(t->windows - 1)},
        {TAKE_DECODE, does & TAKE_DOES_DECODE, (double)take_decoded_latents(s)}};
    double of[TAKE_STAGES] = {0};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        take_speed speed;
        if (!part[i].runs)
            continue;
        if (!take_speed_read(e, s, part[i].stage, &speed)) {
            f->seconds = -1;
            return;
        }
        of[part[i].stage] = part[i].units * speed.unit_seconds + speed.open_seconds;
        f->opening_seconds += speed.open_seconds;
        f->seconds += of[part[i].stage];
    }
    if (f->memory.networks == TAKE_NETWORKS_AT_ONCE)
        f->seconds -= spared_seconds(of[TAKE_REFINE], of[TAKE_DECODE], t->windows);
}

/* What a request of `command` leads to; close the task in any case. */
static lt_status settle(longtake *e, const char *command, const longtake_request *r, take_task *t,
                        lt_error *err)
{
    const take_command *known = take_command_named(command);
    *t = (take_task){0};
    if (!known || !(known->does & (TAKE_DOES_TOKENS | TAKE_DOES_REFINE)))
        return lt_fail(err, LT_ERR_USAGE, "--dry-run: %s has none", command);
    take_task_open(t, e, r, known);
    return take_task_settle(t, err);
}

/* Memory at its peak. */
static lt_status peak_of(const take_task *t, take_memory *memory, lt_error *err)
{
    const take_spec *spec = &t->run.spec;
    const media_spec video = take_media_spec(spec, t->kind);
    /* a plan that names no output is that of a take that names a file */
    const unsigned does = take_task_does(t) | (t->request.output ? 0U : (unsigned)TAKE_DOES_KEEP);
    return take_memory_choose(t->run.engine, spec, does, &video, memory, err);
}

lt_status take_foresee(take_foresight *f, longtake *e, const char *command,
                       const longtake_request *r, lt_error *err)
{
    *f = (take_foresight){0};
    LT_TRY(settle(e, command, r, &f->task, err));
    LT_TRY(peak_of(&f->task, &f->memory, err));
    foresee_time(f);
    f->cached = calloc((size_t)f->task.run.spec.time.windows, sizeof *f->cached);
    if (!f->cached)
        return lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    return take_task_look(&f->task, f->cached, &f->cached_known, err);
}

void take_foresight_close(take_foresight *f)
{
    take_task_close(&f->task, false);
    free(f->cached);
    *f = (take_foresight){0};
}
