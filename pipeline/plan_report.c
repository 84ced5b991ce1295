/* plan_report.c - what a request would do (`--dry-run`), without loading a weight. */
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/foresight.h"
#include "pipeline/script/take_shots.h"
#include "pipeline/take_report.h"

/* What the job folder holds of a window, for people and programs. */
static const char *const cached_names[] = {[TAKE_CACHED_NOTHING] = "-",
                                           [TAKE_CACHED_PLAN] = "plan",
                                           [TAKE_CACHED_LATENTS] = "latents",
                                           [TAKE_CACHED_VIDEO] = "video"};

static const char *cached_name(const take_foresight *f, int64_t window)
{
    return f->cached_known ? cached_names[f->cached[window]] : "?";
}

static lt_json *window_list(const take_foresight *f)
{
    const take_spec *s = &f->task.run.spec;
    lt_json *list = lt_json_new_array();
    for (int64_t c = 0; c < s->time.windows; c++) {
        const take_window w = take_window_at(&s->time, c);
        lt_json *o = lt_json_new_object();
        lt_json_set(o, "window", lt_json_new_int(c));
        lt_json_set(o, "first_frame", lt_json_new_int(w.first_frame));
        lt_json_set(o, "frames", lt_json_new_int(w.delivered));
        lt_json_set(o, "known_latents", lt_json_new_int(w.known));
        lt_json_set(o, "shot", lt_json_new_int(take_shot_of_window(s, c)));
        lt_json_set(o, "cached", lt_json_new_string(cached_name(f, c)));
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

static lt_json *plan_of(const take_foresight *f, const char *command)
{
    const take_task *t = &f->task;
    const longtake *e = t->run.engine;
    const take_spec *s = &t->run.spec;
    const bool refines = t->command->does & TAKE_DOES_REFINE;
    const bool writes_tokens = t->command->does & TAKE_DOES_TOKENS;
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "command", lt_json_new_string(command));
    lt_json_set(o, "model", lt_json_new_string(e->files.name));
    lt_json_set(o, "frames", lt_json_new_int(s->time.frames));
    lt_json_set(o, "seconds", lt_json_new_real((double)s->time.frames / s->fps));
    lt_json_set(o, "output_frames", lt_json_new_int(take_delivered_frames(&t->run)));
    lt_json_set(o, "computed_frames", lt_json_new_int(take_frames_of_latents(s->time.latents)));
    lt_json_set(o, "latents", lt_json_new_int(s->time.latents));
    lt_json_set(o, "segments", lt_json_new_int(s->time.segments));
    lt_json_set(o, "tokens",
                lt_json_new_int(writes_tokens ? take_token_count(&e->cfg.ar_model, &s->time) : 0));
    lt_json_set(o, "windows", lt_json_new_int(refines ? s->time.windows : 0));
    lt_json_set(o, "steps", lt_json_new_int(refines ? s->time.windows * take_steps_run(s) : 0));
    lt_json_set(o, "peak_bytes", lt_json_new_int(f->memory.bytes));
    if (f->memory.device_bytes > 0)
        lt_json_set(o, "device_bytes", lt_json_new_int(f->memory.device_bytes));
    take_memory_describe(&f->memory, o);
    lt_json_set(o, "time_seconds",
                f->seconds >= 0 ? lt_json_new_real(f->seconds) : lt_json_new_null());
    lt_json_set(o, "settings", take_spec_json(s));
    lt_json_set(o, "shots", shot_list(s));
    if (refines)
        lt_json_set(o, "plan", window_list(f));
    return o;
}

static lt_status enter(longtake *e, const char *command, const longtake_request *r, lt_error *err)
{
    LT_TRY(take_need(command, "command", err));
    LT_TRY(take_request_check(r, err));
    return take_engine_enter(e, err);
}

longtake_status longtake_plan(longtake *e, const char *command, const longtake_request *r,
                              char **json, longtake_error *error)
{
    lt_error err = {0};
    take_foresight found;
    *json = NULL;
    if (enter(e, command, r, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_status s = take_foresee(&found, e, command, r, &err);
    if (s == LT_OK) {
        lt_json *o = plan_of(&found, command);
        *json = lt_json_text(o);
        lt_json_free(o);
        if (!*json)
            s = lt_fail(&err, LT_ERR_RESOURCES, "plan: out of memory");
    }
    take_foresight_close(&found);
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

static void print_head(const take_foresight *f, FILE *out)
{
    const take_spec *s = &f->task.run.spec;
    const take_timeline *time = &s->time;
    fprintf(out, "%lld frame%s, %.2f s, seed %u, %lld window%s, %lld segment%s",
            (long long)time->frames, plural(time->frames), (double)time->frames / s->fps, s->seed,
            (long long)time->windows, plural(time->windows), (long long)time->segments,
            plural(time->segments));
    /* never one */
    if (f->task.command->does & TAKE_DOES_TOKENS)
        fprintf(out, ", %lld tokens",
                (long long)take_token_count(&f->task.run.engine->cfg.ar_model, time));
    if (f->task.command->does & TAKE_DOES_REFINE)
        fprintf(out, ", %lld step%s", (long long)(time->windows * take_steps_run(s)),
                plural(time->windows * take_steps_run(s)));
    fputc('\n', out);
    const int64_t delivered = take_delivered_frames(&f->task.run);
    if (delivered != time->frames)
        fprintf(out, "what is new alone is written: %lld frames, %.2f s\n", (long long)delivered,
                (double)delivered / s->fps);
    if (s->fps != s->model_fps)
        fprintf(out, "at %g frames a second; times below are of the model's %g, %.2f s\n", s->fps,
                s->model_fps, (double)time->frames / s->model_fps);
}

static void print_retakes(const take_spec *s, FILE *out)
{
    for (int i = 0; i < s->retakes; i++) {
        const take_retake *r = &s->retake[i];
        char windows[TAKE_WINDOWS_BYTES];
        fprintf(out, "made again: %s, seed %u, %s\n",
                take_windows_named(r->first, r->last, windows), r->seed,
                r->keep_rest ? "what follows stays" : "and what follows");
    }
}

static void print_windows(const take_foresight *f, FILE *out)
{
    const take_spec *s = &f->task.run.spec;
    fprintf(out, "\n%6s  %-13s  %-15s  %4s  %-7s  prompt\n", "window", "frames", "seconds", "shot",
            "cached");
    for (int64_t c = 0; c < s->time.windows; c++) {
        const take_window w = take_window_at(&s->time, c);
        const int shot = take_shot_of_window(s, c);
        const int64_t end = w.first_frame + w.delivered;
        char frames[48] = "none";
        char seconds[48] = "";
        if (w.delivered > 0) {
            snprintf(frames, sizeof frames, "%lld-%lld", (long long)w.first_frame,
                     (long long)end - 1);
            snprintf(seconds, sizeof seconds, "%.2f-%.2f", (double)w.first_frame / s->model_fps,
                     (double)end / s->model_fps);
        }
        fprintf(out, "%6lld  %-13s  %-15s  %4d  %-7s  %s\n", (long long)c, frames, seconds, shot,
                cached_name(f, c), s->shot[shot].prompt);
    }
}

/* Of a plan alone there are no windows. */
static void print_shots(const take_spec *s, FILE *out)
{
    fprintf(out, "\n%4s  %-7s  prompt\n", "shot", "second");
    for (int i = 0; i < s->shots; i++)
        fprintf(out, "%4d  %-7.2f  %s\n", i, (double)s->shot[i].at_frame / s->model_fps,
                s->shot[i].prompt);
}

static void print_table(const take_foresight *f, FILE *out)
{
    const take_spec *s = &f->task.run.spec;
    print_head(f, out);
    for (int i = 1; i < s->shots; i++) {
        char line[TAKE_SHOT_LINE_BYTES];
        (void)take_task_shot_line(&f->task, i, line);
        fprintf(out, "%s\n", line);
    }
    print_retakes(s, out);
    if (f->task.command->does & TAKE_DOES_REFINE)
        print_windows(f, out);
    else
        print_shots(s, out);
}

longtake_status longtake_plan_table(longtake *e, const char *command, const longtake_request *r,
                                    char **text, longtake_error *error)
{
    lt_error err = {0};
    take_foresight found;
    size_t bytes = 0;
    *text = NULL;
    if (enter(e, command, r, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_status s = take_foresee(&found, e, command, r, &err);
    FILE *out = s == LT_OK ? open_memstream(text, &bytes) : NULL;
    if (out) {
        print_table(&found, out);
        print_needs(found.seconds, &found.memory, out);
    }
    if (s == LT_OK && (!out || fclose(out) != 0))
        s = lt_fail(&err, LT_ERR_RESOURCES, "plan: out of memory");
    take_foresight_close(&found);
    take_engine_leave(e);
    return take_give_error(s, &err, error);
}
