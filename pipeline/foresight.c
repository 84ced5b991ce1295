/* foresight.c - see foresight.h. */
#include "pipeline/foresight.h"

#include <stdlib.h>

#include "pipeline/measure/speed_file.h"
#include "pipeline/take_command.h"
#include "pipeline/take_decode.h"
#include "pipeline/take_text.h"

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

/* Windows of which the job folder does not have that much. */
static int64_t windows_left(const take_foresight *f, take_cached wanted)
{
    int64_t left = 0;
    for (int64_t c = 0; c < f->task.run.spec.time.windows; c++)
        left += !f->cached_known || f->cached[c] < wanted;
    return left;
}

/* As fast as the stages were last; of what is there already, nothing. */
static void foresee_time(take_foresight *f)
{
    const take_task *task = &f->task;
    const longtake *e = task->run.engine;
    const take_spec *s = &task->run.spec;
    const unsigned does = task->command->does;
    const take_timeline *t = &s->time;
    const bool alone = s->carry == CFG_CARRY_FRAMES;
    const double all = (double)t->windows;
    const bool has_plan = task->plan.segments > 0; /* which the request or its input gives */
    const int64_t plan =
        does & TAKE_DOES_TOKENS && !has_plan ? windows_left(f, TAKE_CACHED_PLAN) : 0;
    const bool is_refined = does & TAKE_DOES_REFINE && !take_task_is_of_pictures(task);
    const int64_t refine = is_refined ? windows_left(f, TAKE_CACHED_LATENTS) : 0;
    const int64_t decode = does & TAKE_DOES_DECODE ? windows_left(f, TAKE_CACHED_VIDEO) : 0;
    const struct {
        take_stage stage;
        double units; /* of take_clock.h */
    } part[] = {{TAKE_TEXT, s->shots * ((plan > 0) + (refine > 0))},
                {TAKE_TOKENS, (double)take_token_count(&e->cfg.ar_model, t) * (double)plan / all},
                {TAKE_REFINE, (double)(refine * take_steps_run(s))},
                {TAKE_ENCODE, alone && refine > 1 ? (double)(refine - 1) : 0},
                {TAKE_DECODE, (double)take_decoded_latents(s) * (double)decode / all}};
    double of[TAKE_STAGES] = {0};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        take_speed speed;
        if (part[i].units <= 0)
            continue;
        if (!take_speed_read(e, s, part[i].stage, &speed)) {
            f->seconds = -1;
            return;
        }
        of[part[i].stage] = part[i].units * speed.unit_seconds + speed.open_seconds;
        f->opening_seconds += speed.open_seconds;
        f->seconds += of[part[i].stage];
    }
    if (f->memory.networks == TAKE_NETWORKS_AT_ONCE && refine > 0)
        f->seconds -= spared_seconds(of[TAKE_REFINE], of[TAKE_DECODE], refine);
}

/* What a request of `command` leads to; close the task in any case. */
static lt_status settle(longtake *e, const char *command, const longtake_request *r, take_task *t,
                        lt_error *err)
{
    const take_command *known = take_command_named(command);
    *t = (take_task){0};
    if (!known || !(known->does & (TAKE_DOES_TOKENS | TAKE_DOES_REFINE)))
        return lt_fail(err, LT_ERR_USAGE,
                       "--dry-run: found %s, expected a command that plans or refines", command);
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
    if (f->task.command->does & TAKE_DOES_TOKENS)
        LT_TRY(take_text_tell(&f->task.run, err));
    f->cached = calloc((size_t)f->task.run.spec.time.windows, sizeof *f->cached);
    if (!f->cached)
        return lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    LT_TRY(take_task_look(&f->task, f->cached, &f->cached_known, err));
    foresee_time(f);
    return LT_OK;
}

void take_foresight_close(take_foresight *f)
{
    take_task_close(&f->task, false);
    free(f->cached);
    *f = (take_foresight){0};
}
