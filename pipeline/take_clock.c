/* take_clock.c - progress, estimates and events; see take_clock.h. */
#include "pipeline/take_clock.h"

#include <sys/resource.h>
#include <time.h>

#include "pipeline/take_profile.h"

const char *take_stage_name(take_stage s)
{
    static const char *const names[] = {"text", "tokens", "encode", "refine", "decode", "write", "read"};
    return names[s];
}

static const double wait_seconds = 0.25; /* between two words of a step that takes long */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

void take_clock_open(take_clock *c, longtake *engine, longtake_event_fn on_event, void *user)
{
    *c = (take_clock){.on_event = on_event, .user = user, .engine = engine, .started = now()};
}

double take_clock_elapsed(const take_clock *c)
{
    return now() - c->started;
}

void take_clock_plan(take_clock *c, take_stage s, double units)
{
    c->of[s].total = units;
}

void take_clock_found(take_clock *c, take_stage s, double units)
{
    c->of[s].done += units;
}

double take_clock_left(const take_clock *c)
{
    double left = 0;
    double total = 0;
    for (int s = 0; s < TAKE_STAGES; s++) {
        const take_stage_total *t = &c->of[s];
        total += t->total;
        if (t->done >= t->total)
            continue;
        if (t->measured <= 0)
            return -1;
        const bool alike = t->measured > t->odd_units;
        const double seconds = alike ? t->seconds - t->odd_seconds : t->seconds;
        left += (t->total - t->done) * seconds / (alike ? t->measured - t->odd_units : t->measured);
    }
    return total > 0 ? left : -1;
}

static void send(take_clock *c, longtake_event_kind kind, double step_seconds, const char *message)
{
    c->told = now();
    if (!c->on_event)
        return;
    const longtake_event event = {.kind = kind,
                                  .elapsed_seconds = take_clock_elapsed(c),
                                  .stage = take_stage_name(c->stage),
                                  .window = c->window,
                                  .windows = c->windows,
                                  .step = c->step,
                                  .steps = c->steps,
                                  .step_seconds = step_seconds,
                                  .eta_seconds = take_clock_left(c),
                                  .peak_bytes = peak_bytes(),
                                  .message = message};
    if (c->on_event(c->user, &event) != 0)
        c->cancelled = true;
}

void take_clock_enter_quietly(take_clock *c, take_stage s, int64_t window, int64_t windows, int64_t steps)
{
    take_profile_collect(c->engine, TAKE_STAGES);
    c->stage = s;
    c->window = window;
    c->windows = windows;
    c->step = 0;
    c->steps = steps;
    c->running = now();
    c->step_began = c->running;
    c->told = c->running;
}

void take_clock_enter(take_clock *c, take_stage s, int64_t window, int64_t windows, int64_t steps)
{
    const bool new_stage = c->of[s].measured == 0 && c->of[s].seconds == 0 && c->of[s].open_seconds == 0;
    take_clock_enter_quietly(c, s, window, windows, steps);
    send(c, new_stage ? LONGTAKE_EVENT_STAGE : LONGTAKE_EVENT_WINDOW, 0, NULL);
}

void take_clock_opened(take_clock *c)
{
    const double at = now();
    c->of[c->stage].open_seconds += at - c->running;
    c->running = at;
    c->step_began = at;
}

void take_clock_set_apart(take_clock *c, take_stage s)
{
    c->of[s].odd_units = c->of[s].measured;
    c->of[s].odd_seconds = c->of[s].seconds;
}

lt_status take_clock_step(take_clock *c, int64_t step, double units, lt_error *err)
{
    take_stage_total *t = &c->of[c->stage];
    const double at = now();
    t->seconds += at - c->running;
    c->running = at;
    t->done += units;
    t->measured += units;
    c->step = step;
    send(c, LONGTAKE_EVENT_STEP, at - c->step_began, NULL);
    c->step_began = at;
    return take_clock_check(c, err);
}

void take_clock_leave(take_clock *c)
{
    take_profile_collect(c->engine, c->stage);
    c->of[c->stage].seconds += now() - c->running;
    c->of[c->stage].peak_bytes = peak_bytes();
    c->running = now();
}

bool take_clock_wait(take_clock *c)
{
    if (now() >= c->told + wait_seconds)
        send(c, LONGTAKE_EVENT_STEP, 0, NULL);
    return c->cancelled;
}

void take_clock_tell(take_clock *c, longtake_event_kind kind, const char *message)
{
    send(c, kind, 0, message);
}

lt_status take_clock_check(const take_clock *c, lt_error *err)
{
    if (c->cancelled)
        return lt_fail(err, LT_ERR_CANCELLED, "stopped as asked in stage %s, window %lld", take_stage_name(c->stage),
                       (long long)c->window);
    return LT_OK;
}
