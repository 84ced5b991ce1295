/* plan_report.c - what a request would do (`--dry-run`), without loading a weight. */
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/measure/speed_file.h"
#include "pipeline/script/shot_times.h"
#include "pipeline/take_decode.h"
#include "pipeline/take_task.h"

/* What the job folder holds of a window, for people and programs. */
static const char *const cached_names[] = {[TAKE_CACHED_NOTHING] = "-",
                                           [TAKE_CACHED_PLAN] = "plan",
                                           [TAKE_CACHED_LATENTS] = "latents",
                                           [TAKE_CACHED_VIDEO] = "video"};

/* What a report says beside the spec. */
typedef struct {
    take_task task;
    take_memory memory;
    take_cached *cached; /* [windows] */
    bool cached_known;
} plan_findings;

static const char *cached_name(const plan_findings *p, int64_t window)
{
    return p->cached_known ? cached_names[p->cached[window]] : "?";
}

static lt_json *window_list(const plan_findings *p)
{
    const take_spec *s = &p->task.run.spec;
    lt_json *list = lt_json_new_array();
    for (int64_t c = 0; c < s->time.windows; c++) {
        const take_window w = take_window_at(&s->time, c);
        lt_json *o = lt_json_new_object();
        lt_json_set(o, "window", lt_json_new_int(c));
        lt_json_set(o, "first_frame", lt_json_new_int(w.first_frame));
        lt_json_set(o, "frames", lt_json_new_int(w.delivered));
        lt_json_set(o, "known_latents", lt_json_new_int(w.known));
        lt_json_set(o, "shot", lt_json_new_int(take_shot_of_window(s, c)));
        lt_json_set(o, "cached", lt_json_new_string(cached_name(p, c)));
        lt_json_append(list, o);
    }
    return list;
}

static lt_json *shot_list(const take_spec *s)
{
    lt_json *list = lt_json_new_array();
    for (int i = 0; i < s->shots; i++) {
        lt_json *o = lt_json_new_object();
        lt_json_set(o, "at_frame", lt_json_new_int(s->shot[i].at_frame));
        lt_json_set(o, "plan_from_frame", lt_json_new_int(take_shot_plan_frame(s, i)));
        lt_json_set(o, "pictures_from_frame", lt_json_new_int(take_shot_picture_frame(s, i)));
        lt_json_append(list, o);
    }
    return list;
}

static int64_t token_count(const cfg_ar *cfg, const take_timeline *t)
{
    return t->segments * cfg->i_tokens + (t->latents - t->segments) * cfg->p_tokens;
}

/* What a take is done sooner by where a window is decoded while the next one is refined: nothing is refined beside the last one. */
static double spared_seconds(double refine, double decode, int64_t windows)
{
    const double beside = decode - decode / (double)windows;
    const double refined = refine - refine / (double)windows;
    return beside < refined ? beside : refined;
}

/* Seconds that the take will need, as fast as its stages were last; below zero where one was never measured. */
static double foreseen_seconds(const take_task *task, const take_memory *memory)
{
    const longtake *e = task->run.engine;
    const take_spec *s = &task->run.spec;
    const unsigned does = task->command->does;
    const take_timeline *t = &s->time;
    const bool alone = s->carry == CFG_CARRY_FRAMES;
    const int prompts = s->shots * ((does & TAKE_DOES_TOKENS ? 1 : 0) + (does & TAKE_DOES_REFINE ? 1 : 0));
    const struct {
        take_stage stage;
        bool runs;
        double units; /* of take_clock.h */
    } part[] = {
        {TAKE_TEXT, true, prompts},
        {TAKE_TOKENS, does & TAKE_DOES_TOKENS, (double)token_count(&e->cfg.ar_model, t)},
        {TAKE_REFINE, does & TAKE_DOES_REFINE, (double)(t->windows * take_steps_run(s))},
        {TAKE_ENCODE, alone && does & TAKE_DOES_REFINE && t->windows > 1, (double)(t->windows - 1)},
        {TAKE_DECODE, does & TAKE_DOES_DECODE, (double)take_decoded_latents(s)}};
    double seconds = 0;
    double of[TAKE_STAGES] = {0};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        take_speed speed;
        if (!part[i].runs)
            continue;
        if (!take_speed_read(e, s, part[i].stage, &speed))
            return -1;
        of[part[i].stage] = part[i].units * speed.unit_seconds + speed.open_seconds;
        seconds += of[part[i].stage];
    }
    if (memory->networks == TAKE_NETWORKS_AT_ONCE)
        seconds -= spared_seconds(of[TAKE_REFINE], of[TAKE_DECODE], t->windows);
    return seconds;
}

static lt_json *plan_of(const plan_findings *p, const char *command)
{
    const take_task *t = &p->task;
    const longtake *e = t->run.engine;
    const take_spec *s = &t->run.spec;
    const double time = foreseen_seconds(t, &p->memory);
    const bool refines = t->command->does & TAKE_DOES_REFINE;
    const bool writes_tokens = t->command->does & TAKE_DOES_TOKENS;
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "command", lt_json_new_string(command));
    lt_json_set(o, "model", lt_json_new_string(e->files.name));
    lt_json_set(o, "frames", lt_json_new_int(s->time.frames));
    lt_json_set(o, "seconds", lt_json_new_real((double)s->time.frames / s->fps));
    lt_json_set(o, "computed_frames", lt_json_new_int(take_frames_of_latents(s->time.latents)));
    lt_json_set(o, "latents", lt_json_new_int(s->time.latents));
    lt_json_set(o, "segments", lt_json_new_int(s->time.segments));
    lt_json_set(o, "tokens", lt_json_new_int(writes_tokens ? token_count(&e->cfg.ar_model, &s->time) : 0));
    lt_json_set(o, "windows", lt_json_new_int(refines ? s->time.windows : 0));
    lt_json_set(o, "steps", lt_json_new_int(refines ? s->time.windows * take_steps_run(s) : 0));
    lt_json_set(o, "peak_bytes", lt_json_new_int(p->memory.bytes));
    if (p->memory.device_bytes > 0)
        lt_json_set(o, "device_bytes", lt_json_new_int(p->memory.device_bytes));
    take_memory_describe(&p->memory, o);
    lt_json_set(o, "time_seconds", time >= 0 ? lt_json_new_real(time) : lt_json_new_null());
    lt_json_set(o, "settings", take_spec_json(s));
    lt_json_set(o, "shots", shot_list(s));
    if (refines)
        lt_json_set(o, "plan", window_list(p));
    return o;
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

static lt_status find(plan_findings *p, longtake *e, const char *command, const longtake_request *r,
                      lt_error *err)
{
    *p = (plan_findings){0};
    LT_TRY(settle(e, command, r, &p->task, err));
    LT_TRY(peak_of(&p->task, &p->memory, err));
    p->cached = calloc((size_t)p->task.run.spec.time.windows, sizeof *p->cached);
    if (!p->cached)
        return lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    return take_task_look(&p->task, p->cached, &p->cached_known, err);
}

static void close_findings(plan_findings *p)
{
    take_task_close(&p->task, false);
    free(p->cached);
}

static lt_status enter(longtake *e, const char *command, const longtake_request *r, lt_error *err)
{
    LT_TRY(take_need(command, "command", err));
    LT_TRY(take_request_check(r, err));
    return take_engine_enter(e, err);
}

longtake_status longtake_plan(longtake *e, const char *command, const longtake_request *r, char **json,
                              longtake_error *error)
{
    lt_error err = {0};
    plan_findings found;
    *json = NULL;
    if (enter(e, command, r, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_status s = find(&found, e, command, r, &err);
    if (s == LT_OK) {
        lt_json *o = plan_of(&found, command);
        *json = lt_json_text(o);
        lt_json_free(o);
        if (!*json)
            s = lt_fail(&err, LT_ERR_RESOURCES, "plan: out of memory");
    }
    close_findings(&found);
    take_engine_leave(e);
    return take_give_error(s, &err, error);
}

/* ---- for people ---- */

static void print_needs(double seconds, const take_memory *memory, FILE *out)
{
    char streamed[128];
    take_memory_streamed(memory, streamed, sizeof streamed);
    fprintf(out, "peak memory %.0f MiB", (double)memory->bytes / 1048576);
    if (memory->device_bytes > 0)
        fprintf(out, ", on the device %.0f MiB", (double)memory->device_bytes / 1048576);
    if (memory->networks == TAKE_NETWORKS_IN_TURNS)
        fprintf(out, ", networks opened in turns");
    if (memory->networks == TAKE_NETWORKS_AT_ONCE)
        fprintf(out, ", each window decoded while the next is refined");
    if (memory->vae == TAKE_VAE_FRAME_BY_FRAME)
        fprintf(out, ", pictures decoded frame by frame");
    if (streamed[0] != '\0')
        fprintf(out, ", matrices from the host: %s", streamed);
    fprintf(out, ", time ");
    if (seconds >= 0)
        fprintf(out, "about %.0f s\n", seconds);
    else
        fprintf(out, "unknown: not measured on this machine yet\n");
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_head(const take_spec *s, FILE *out)
{
    const take_timeline *time = &s->time;
    fprintf(out, "%lld frame%s, %.2f s, seed %u, %lld window%s, %lld segment%s\n", (long long)time->frames, plural(time->frames),
            (double)time->frames / s->fps, s->seed, (long long)time->windows, plural(time->windows),
            (long long)time->segments, plural(time->segments));
}

static void print_windows(const plan_findings *p, FILE *out)
{
    const take_spec *s = &p->task.run.spec;
    fprintf(out, "\n%6s  %-13s  %-15s  %4s  %-7s  prompt\n", "window", "frames", "seconds", "shot", "cached");
    for (int64_t c = 0; c < s->time.windows; c++) {
        const take_window w = take_window_at(&s->time, c);
        const int shot = take_shot_of_window(s, c);
        const int64_t end = w.first_frame + w.delivered;
        char frames[48] = "none";
        char seconds[48] = "";
        if (w.delivered > 0) {
            snprintf(frames, sizeof frames, "%lld-%lld", (long long)w.first_frame, (long long)end - 1);
            snprintf(seconds, sizeof seconds, "%.2f-%.2f", (double)w.first_frame / s->fps,
                     (double)end / s->fps);
        }
        fprintf(out, "%6lld  %-13s  %-15s  %4d  %-7s  %s\n", (long long)c, frames, seconds, shot,
                cached_name(p, c), s->shot[shot].prompt);
    }
}

/* Of a plan alone there are no windows. */
static void print_shots(const take_spec *s, FILE *out)
{
    fprintf(out, "\n%4s  %-7s  prompt\n", "shot", "second");
    for (int i = 0; i < s->shots; i++)
        fprintf(out, "%4d  %-7.2f  %s\n", i, (double)s->shot[i].at_frame / s->fps, s->shot[i].prompt);
}

static void print_table(const plan_findings *p, FILE *out)
{
    const take_spec *s = &p->task.run.spec;
    print_head(s, out);
    for (int i = 1; i < s->shots; i++) {
        char line[TAKE_SHOT_LINE_BYTES];
        (void)take_task_shot_line(&p->task, i, line);
        fprintf(out, "%s\n", line);
    }
    if (p->task.command->does & TAKE_DOES_REFINE)
        print_windows(p, out);
    else
        print_shots(s, out);
}

longtake_status longtake_plan_table(longtake *e, const char *command, const longtake_request *r, char **text,
                                    longtake_error *error)
{
    lt_error err = {0};
    plan_findings found;
    size_t bytes = 0;
    *text = NULL;
    if (enter(e, command, r, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_status s = find(&found, e, command, r, &err);
    FILE *out = s == LT_OK ? open_memstream(text, &bytes) : NULL;
    if (out) {
        print_table(&found, out);
        print_needs(foreseen_seconds(&found.task, &found.memory), &found.memory, out);
    }
    if (s == LT_OK && (!out || fclose(out) != 0))
        s = lt_fail(&err, LT_ERR_RESOURCES, "plan: out of memory");
    close_findings(&found);
    take_engine_leave(e);
    return take_give_error(s, &err, error);
}
