/* take_run.c - beginning and end of a take; see take_run.h. */
#include "pipeline/take_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/descriptor_link.h"

void take_run_open(take_run *run, longtake *e, const longtake_request *r)
{
    *run = (take_run){.engine = e, .request = r};
    take_clock_open(&run->clock, e, r->on_event, r->user);
}

static void hear_note(void *user, const char *note)
{
    take_warn(user, "%s", note);
}

bool take_has_job(const longtake_request *r, const char *output)
{
    return r->job || (output && !take_is_stream(output));
}

bool take_job_stays(const longtake_request *r)
{
    return r->job || r->keep_job;
}

static lt_status name_job(take_run *run, const char *output, lt_error *err)
{
    const longtake_request *r = run->request;
    if (!take_has_job(r, output))
        return LT_OK;
    run->job_is_implicit = !take_job_stays(r);
    const int written =
        r->job ? asprintf(&run->job_path, "%s", r->job)
               : asprintf(&run->job_path, "%s%s.job", output, run->job_is_own ? ".decode" : "");
    if (written >= 0)
        return LT_OK;
    run->job_path = NULL;
    run->job_is_implicit = false;
    return lt_fail(err, LT_ERR_RESOURCES, "job folder: out of memory");
}

/* What can be done about a folder that another process works in: not every command has --job. */
static void add_other_folder(const take_run *run, lt_error *err)
{
    const size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, "\nhint: %s names another folder",
             run->job_is_own ? "another --output" : "--job");
}

lt_status take_run_open_job(take_run *run, const char *output, lt_error *err)
{
    LT_TRY(name_job(run, output, err));
    if (!run->job_path)
        return LT_OK;
    const lt_status s = take_job_open(run->job_path, run->request->fresh, hear_note,
                                      take_run_asks_to_stop, run, &run->job, err);
    if (s == LT_ERR_FAILED)
        add_other_folder(run, err);
    return s;
}

lt_status take_run_look_into_job(take_run *run, const char *output, lt_error *err)
{
    LT_TRY(name_job(run, output, err));
    return run->job_path && !run->request->fresh
               ? take_job_look(run->job_path, hear_note, run, &run->job, err)
               : LT_OK;
}

static void clear_texts(take_run *run)
{
    for (int role = 0; role < TAKE_TEXT_ROLES; role++) {
        for (int i = 0; run->text[role] && i < run->spec.shots; i++)
            free(run->text[role][i].rows);
        free(run->text[role]);
    }
}

void take_run_close(take_run *run, bool done)
{
    if (run->looks_only || !run->job_is_implicit)
        take_job_close(run->job);
    else if (done)
        take_job_remove(run->job);
    else
        take_job_leave(run->job);
    free(run->job_path);
    clear_texts(run);
    free(run->plan.ids);
    free(run->plan.segment);
    free(run->playable);
    free(run->given_about);
    for (int i = 0; i < run->warnings; i++)
        free(run->warning[i]);
    free(run->warning);
    take_spec_clear(&run->spec);
}

void take_warn(take_run *run, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    take_clock_hold(&run->clock);
    char **grown = realloc(run->warning, (size_t)(run->warnings + 1) * sizeof *grown);
    if (grown) {
        run->warning = grown;
        run->warning[run->warnings] = strdup(text);
        run->warnings += run->warning[run->warnings] != NULL;
    }
    take_clock_release(&run->clock);
    take_clock_tell(&run->clock, LONGTAKE_EVENT_WARNING, text);
}

bool take_tell_request(const longtake_request *r, const char *line)
{
    const longtake_event event = {.kind = LONGTAKE_EVENT_NOTE, .eta_seconds = -1, .message = line};
    return !r->on_event || r->on_event(r->user, &event) == 0;
}

void take_note(take_run *run, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    take_clock_tell(&run->clock, LONGTAKE_EVENT_NOTE, text);
}

int take_run_asks_to_stop(void *run)
{
    return take_clock_wait(&((take_run *)run)->clock);
}
