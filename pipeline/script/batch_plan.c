/* batch_plan.c - what a list of prompts would make (`--prompts` with
 * `--dry-run`), without loading a weight. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/core/clock.h"
#include "pipeline/engine.h"
#include "pipeline/foresight.h"
#include "pipeline/script/batch_list.h"
#include "pipeline/take_report.h"

typedef struct {
    char *message; /* why the line cannot be made; NULL: it can */
    char *prompt, *output;
    bool made; /* is there already, so nothing is to do */
    int64_t frames, windows, peak_bytes;
    double length;                   /* of the video, in seconds */
    double seconds, opening_seconds; /* as in take_foresight */
} line_plan;

typedef struct {
    batch_list list;
    double began;    /* seconds of the monotonic clock */
    line_plan *line; /* [list.lines] */
    int64_t failed, made;
    double length;  /* of all that would be made, in seconds */
    double seconds; /* that it would take; below zero: unknown */
    int64_t peak_bytes;
} batch_plan;

static lt_status copy(const char *text, char **out, lt_error *err)
{
    *out = strdup(text);
    return *out ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
}

static lt_status fill(line_plan *p, const take_foresight *f, const batch_take *take, lt_error *err)
{
    const take_spec *s = &f->task.run.spec;
    p->frames = s->time.frames;
    p->length = (double)s->time.frames / s->fps;
    p->windows = s->time.windows;
    p->peak_bytes = f->memory.bytes;
    p->seconds = f->seconds;
    p->opening_seconds = f->opening_seconds;
    LT_TRY(copy(take->request.prompt, &p->prompt, err));
    return copy(take->request.output, &p->output, err);
}

/* Of which line something is told. */
typedef struct {
    const batch_plan *plan;
    int64_t line;
} line_hearing;

static int hear_of_line(void *user, const longtake_event *event)
{
    const line_hearing *h = user;
    const batch_list *list = &h->plan->list;
    const longtake_request *r = list->request;
    char message[BATCH_PLACE_BYTES + LT_ERROR_BYTES + 2];
    longtake_event of_line = *event;
    if (!r->on_event)
        return 0;
    if (event->message) {
        batch_list_message(list, h->line, event->message, message, sizeof message);
        of_line.message = message;
    }
    take_event_fill(&of_line, h->plan->began); /* each line has a clock of its own */
    return r->on_event(r->user, &of_line);
}

static lt_status foresee_line(longtake *e, batch_plan *b, int64_t i, lt_error *err)
{
    batch_list *list = &b->list;
    line_plan *p = &b->line[i];
    batch_take take;
    take_foresight f = {0};
    lt_status s = batch_list_take(list, i, &take, err);
    line_hearing hearing = {b, i};
    if (s == LT_OK) {
        take.request.on_event = hear_of_line;
        take.request.user = &hearing;
        s = take_foresee(&f, e, "generate", &take.request, err);
    }
    if (s == LT_OK)
        s = fill(p, &f, &take, err);
    if (s == LT_OK)
        p->made = !take.request.fresh && take_is_made(&f.task.run, take.request.output);
    take_foresight_close(&f);
    batch_take_clear(&take);
    return s;
}

/* A line that cannot be made is noted; only what ends everything is returned. */
static lt_status plan_line(longtake *e, batch_plan *b, int64_t i, lt_error *err)
{
    lt_error of_line = {0};
    char message[BATCH_PLACE_BYTES + sizeof of_line.message + 2];
    const lt_status s = foresee_line(e, b, i, &of_line);
    if (s == LT_OK)
        return LT_OK;
    if (s == LT_ERR_RESOURCES || s == LT_ERR_CANCELLED) {
        *err = of_line;
        return s;
    }
    batch_list_message(&b->list, i, of_line.message, message, sizeof message);
    return copy(message, &b->line[i].message, err);
}

/* Networks stay open from line to line. */
static void add_up(batch_plan *b)
{
    double opening = 0;
    for (int64_t i = 0; i < b->list.lines; i++) {
        const line_plan *p = &b->line[i];
        b->failed += p->message != NULL;
        b->made += p->made;
        if (p->message || p->made)
            continue;
        b->length += p->length;
        b->peak_bytes = p->peak_bytes > b->peak_bytes ? p->peak_bytes : b->peak_bytes;
        opening = p->opening_seconds > opening ? p->opening_seconds : opening;
        if (p->seconds < 0)
            b->seconds = -1;
        if (b->seconds >= 0)
            b->seconds += p->seconds - p->opening_seconds;
    }
    if (b->seconds >= 0)
        b->seconds += opening;
}

/* How far it is; false: to stop is the answer. */
static bool tell_line(const batch_plan *b, int64_t i)
{
    const longtake_request *r = b->list.request;
    longtake_event event = {.kind = LONGTAKE_EVENT_STEP,
                            .stage = "plan",
                            .windows = 1,
                            .step = i,
                            .steps = b->list.lines,
                            .eta_seconds = -1};
    take_event_fill(&event, b->began);
    return !r->on_event || r->on_event(r->user, &event) == 0;
}

/* Outputs are tried in their folder, which goes again where it was not there. */
static lt_status plan_lines(longtake *e, batch_plan *b, lt_error *err)
{
    bool made = false;
    b->line = calloc((size_t)b->list.lines, sizeof *b->line);
    if (!b->line)
        return lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    LT_TRY(batch_list_folder(&b->list, &made, err));
    lt_status s = LT_OK;
    for (int64_t i = 0; s == LT_OK && i < b->list.lines; i++)
        s = tell_line(b, i) ? plan_line(e, b, i, err)
                            : lt_fail(err, LT_ERR_CANCELLED, "%s: stopped as asked", b->list.path);
    if (made)
        (void)rmdir(b->list.folder);
    add_up(b);
    return s;
}

static void close_plan(batch_plan *b)
{
    for (int64_t i = 0; b->line && i < b->list.lines; i++) {
        free(b->line[i].message);
        free(b->line[i].prompt);
        free(b->line[i].output);
    }
    free(b->line);
    batch_list_close(&b->list);
}

/* ---- JSON ---- */

static lt_json *seconds_or_null(double seconds)
{
    return seconds >= 0 ? lt_json_new_real(seconds) : lt_json_new_null();
}

static lt_json *line_json(const batch_list *list, int64_t i, const line_plan *p)
{
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "line", lt_json_new_int(list->entry[i].number));
    if (p->message) {
        lt_json_set(o, "message", lt_json_new_any_text(p->message));
        return o;
    }
    lt_json_set(o, "prompt", lt_json_new_string(p->prompt));
    lt_json_set(o, "output", lt_json_new_any_text(p->output));
    lt_json_set(o, "made", lt_json_new_bool(p->made));
    lt_json_set(o, "frames", lt_json_new_int(p->frames));
    lt_json_set(o, "seconds", lt_json_new_real(p->length));
    lt_json_set(o, "windows", lt_json_new_int(p->windows));
    lt_json_set(o, "peak_bytes", lt_json_new_int(p->peak_bytes));
    lt_json_set(o, "time_seconds", seconds_or_null(p->seconds));
    return o;
}

static void write_json(const batch_plan *b, FILE *out)
{
    lt_json *o = lt_json_new_object();
    lt_json *lines = lt_json_new_array();
    for (int64_t i = 0; i < b->list.lines; i++)
        lt_json_append(lines, line_json(&b->list, i, &b->line[i]));
    lt_json_set(o, "prompts", lt_json_new_any_text(b->list.path));
    lt_json_set(o, "takes", lt_json_new_int(b->list.lines - b->failed - b->made));
    lt_json_set(o, "made", lt_json_new_int(b->made));
    lt_json_set(o, "failed", lt_json_new_int(b->failed));
    lt_json_set(o, "seconds", lt_json_new_real(b->length));
    lt_json_set(o, "peak_bytes", lt_json_new_int(b->peak_bytes));
    lt_json_set(o, "time_seconds", seconds_or_null(b->seconds));
    lt_json_set(o, "lines", lines);
    char *text = lt_json_text(o);
    if (text)
        fputs(text, out);
    free(text);
    lt_json_free(o);
}

/* ---- for people ---- */

/* The first line of a text, without what a terminal would obey. */
static void write_text(const char *text, FILE *out)
{
    for (; *text != '\0' && *text != '\n'; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

static void write_line(const batch_list *list, int64_t i, const line_plan *p, int width, FILE *out)
{
    char time[32];
    if (p->message) {
        fprintf(out, "%4lld  ", (long long)list->entry[i].number);
        write_text(p->message, out);
        fputc('\n', out);
        return;
    }
    if (p->made)
        snprintf(time, sizeof time, "made");
    else if (p->seconds < 0)
        snprintf(time, sizeof time, "?");
    else
        snprintf(time, sizeof time, "%.0f s", p->seconds);
    fprintf(out, "%4lld  %7.2f  %7lld  %6s  %-*s  ", (long long)list->entry[i].number, p->length,
            (long long)p->windows, time, width, p->output);
    write_text(p->prompt, out);
    fputc('\n', out);
}

static void write_table(const batch_plan *b, FILE *out)
{
    size_t width = strlen("output");
    for (int64_t i = 0; i < b->list.lines; i++)
        if (b->line[i].output && strlen(b->line[i].output) > width)
            width = strlen(b->line[i].output);
    fprintf(out, "%4s  %7s  %7s  %6s  %-*s  prompt\n", "line", "seconds", "windows", "time",
            (int)width, "output");
    for (int64_t i = 0; i < b->list.lines; i++)
        write_line(&b->list, i, &b->line[i], (int)width, out);
    fprintf(out, "\n%lld to make, %.2f s of video",
            (long long)(b->list.lines - b->failed - b->made), b->length);
    if (b->made > 0)
        fprintf(out, ", %lld made already", (long long)b->made);
    if (b->peak_bytes > 0)
        fprintf(out, ", peak memory %.0f MiB", (double)b->peak_bytes / 1048576);
    if (b->seconds >= 0)
        fprintf(out, ", time about %.0f s\n", b->seconds);
    else
        fprintf(out, ", time unknown: not measured on this machine yet\n");
}

/* ---- public ---- */

static longtake_status plan_batch(longtake *e, const char *prompts, const char *folder,
                                  const longtake_request *r,
                                  void (*write)(const batch_plan *b, FILE *out), char **text,
                                  longtake_error *error)
{
    lt_error err = {0};
    batch_plan b = {.began = lt_clock_seconds()};
    size_t bytes = 0;
    *text = NULL;
    if (take_need(prompts, "prompts", &err) != LT_OK || take_request_check(r, &err) != LT_OK ||
        take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_status s = batch_list_open(&b.list, prompts, folder, r, &err);
    if (s == LT_OK)
        s = plan_lines(e, &b, &err);
    FILE *out = s == LT_OK ? open_memstream(text, &bytes) : NULL;
    if (out)
        write(&b, out);
    if (s == LT_OK && (!out || fclose(out) != 0 || bytes == 0))
        s = lt_fail(&err, LT_ERR_RESOURCES, "plan: out of memory");
    if (s == LT_OK && b.failed > 0)
        s = lt_fail(&err, LT_ERR_FAILED, "%s: %lld of %lld lines cannot be made", prompts,
                    (long long)b.failed, (long long)b.list.lines);
    close_plan(&b);
    take_engine_leave(e);
    return take_give_error(s, &err, error);
}

longtake_status longtake_plan_batch(longtake *e, const char *prompts, const char *folder,
                                    const longtake_request *r, char **json, longtake_error *error)
{
    return plan_batch(e, prompts, folder, r, write_json, json, error);
}

longtake_status longtake_plan_batch_table(longtake *e, const char *prompts, const char *folder,
                                          const longtake_request *r, char **text,
                                          longtake_error *error)
{
    return plan_batch(e, prompts, folder, r, write_table, text, error);
}
