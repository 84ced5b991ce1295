/* window_span.c - which windows of a take show a span of time, in longtake.h. */
#include <math.h>

#include "pipeline/script/take_moment.h"
#include "pipeline/take_command.h"

/* The request without what does not decide where windows lie. */
static longtake_request of_windows(const longtake_request *r, const take_command *command)
{
    longtake_request one = *r;
    one.on_event = NULL; /* what is to be told of the input is told when the take is made */
    one.retakes = NULL;
    one.retake_count = 0;
    one.window_first = one.window_last = -1;
    if (command->reads & TAKE_READS_PROMPT && one.shot_count == 0)
        one.prompt = "anything";
    return one;
}

static lt_status find_windows(const take_spec *s, double from_seconds, double to_seconds,
                              int64_t *first, int64_t *last, lt_error *err)
{
    const double fps = s->model_fps;
    const double length = (double)s->time.frames / fps;
    const int64_t from = (int64_t)floor(fmin(from_seconds, length) * fps); /* what is seen then */
    const int64_t to = take_moment_frame((take_moment){.value = fmin(to_seconds, length)}, fps);
    for (int64_t c = 0; c < s->time.windows; c++) {
        const take_window w = take_window_at(&s->time, c);
        if (w.first_frame >= to || w.first_frame + w.delivered <= from)
            continue;
        *first = *first < 0 ? c : *first;
        *last = c;
    }
    if (*first >= 0)
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "span: found %g s to %g s, the take has %.2f s%s",
                   from_seconds, to_seconds, length,
                   from_seconds < length ? ", of which none is new there" : "");
}

static lt_status settle_and_find(longtake *e, const char *name, const longtake_request *r,
                                 double from_seconds, double to_seconds, int64_t *first,
                                 int64_t *last, lt_error *err)
{
    const take_command *command = take_command_named(name);
    if (!command || !(command->does & TAKE_DOES_REFINE))
        return lt_fail(err, LT_ERR_USAGE, "span: %s has no windows", name);
    const longtake_request one = of_windows(r, command);
    take_task t;
    take_task_open(&t, e, &one, command);
    lt_status s = take_request_check(&t.request, err);
    if (s == LT_OK && command->input && !t.request.input)
        s = lt_fail(err, LT_ERR_USAGE, "--input: found none, expected %s for %s", command->input,
                    command->name);
    if (s == LT_OK)
        s = command->settle(&t, err);
    if (s == LT_OK)
        s = find_windows(&t.run.spec, from_seconds, to_seconds, first, last, err);
    take_task_close(&t, false);
    return s;
}

longtake_status longtake_windows_between(longtake *e, const char *command,
                                         const longtake_request *r, double from_seconds,
                                         double to_seconds, int64_t *first, int64_t *last,
                                         longtake_error *error)
{
    lt_error err = {0};
    *first = *last = -1;
    lt_status s = take_need(command, "command", &err);
    if (s == LT_OK)
        s = take_need(r, "request", &err);
    if (s == LT_OK && !(from_seconds >= 0 && to_seconds > from_seconds && isfinite(to_seconds)))
        s = lt_fail(&err, LT_ERR_USAGE,
                    "span: found %g s to %g s, expected a moment and a later one", from_seconds,
                    to_seconds);
    if (s == LT_OK)
        s = take_engine_enter(e, &err);
    if (s == LT_OK) {
        s = settle_and_find(e, command, r, from_seconds, to_seconds, first, last, &err);
        take_engine_leave(e);
    }
    return take_give_error(s, &err, error);
}
