/* take_clock.c - progress, estimates and events; see take_clock.h. */
#include "pipeline/take_clock.h"

#include <stdio.h>
#include <sys/resource.h>

#include "kernels/core/clock.h"
#include "pipeline/measure/take_profile.h"

const char *take_stage_name(take_stage s)
{
    static const char *const names[] = {"text",   "tokens", "encode", "refine",
                                        "decode", "write",  "read"};
    return names[s];
}

static const double wait_seconds = 0.25; /* between two words of a step that takes long */

static size_t peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

void take_event_fill(longtake_event *event, double began)
{
    event->elapsed_seconds = lt_clock_seconds() - began;
    event->peak_bytes = peak_bytes();
}

void take_clock_open(take_clock *c, longtake *engine, longtake_event_fn on_event, void *user)
{
    *c = (take_clock){.lock = PTHREAD_MUTEX_INITIALIZER,
                      .on_event = on_event,
                      .user = user,
                      .engine = engine,
                      .started = lt_clock_seconds()};
}

void take_clock_hold(take_clock *c)
{
    (void)pthread_mutex_lock(&c->lock);
}

void take_clock_release(take_clock *c)
{
    (void)pthread_mutex_unlock(&c->lock);
}

/* The calling thread's. From here on to the functions of the header the lock is held. */
static take_clock_hand *hand_of(take_clock *c)
{
    return c->is_split && pthread_equal(pthread_self(), c->second) ? &c->beside : &c->own;
}

double take_clock_elapsed(const take_clock *c)
{
    return lt_clock_seconds() - c->started;
}

/* Of one stage; -1 where it was never measured. */
static double stage_left(const take_stage_total *t)
{
    if (t->done >= t->total)
        return 0;
    if (t->measured <= 0)
        return -1;
    const bool alike = t->measured > t->odd_units;
    const double seconds = alike ? t->seconds - t->odd_seconds : t->seconds;
    return (t->total - t->done) * seconds / (alike ? t->measured - t->odd_units : t->measured);
}

/* Of two threads the one that needs longer is waited for; the last window is decoded when there is
 * nothing left to refine. */
static double spared(const take_clock *c, double refine, double decode)
{
    const take_stage_total *t = &c->of[TAKE_DECODE];
    const double windows = (double)(c->own.windows > 0 ? c->own.windows : 1);
    const double last = t->done < t->total ? decode / (t->total - t->done) * t->total / windows : 0;
    const double beside = decode > last ? decode - last : 0;
    return refine < beside ? refine : beside;
}

static double seconds_left(const take_clock *c)
{
    double left = 0;
    double total = 0;
    double of[TAKE_STAGES];
    for (int s = 0; s < TAKE_STAGES; s++) {
        of[s] = stage_left(&c->of[s]);
        if (of[s] < 0)
            return -1;
        left += of[s];
        total += c->of[s].total;
    }
    if (c->is_split)
        left -= spared(c, of[TAKE_REFINE], of[TAKE_DECODE]);
    return total > 0 ? left : -1;
}

/* `event`: what is its own; where the take is, and how fast, is filled in. */
static void send(take_clock *c, longtake_event event)
{
    const take_clock_hand *h = hand_of(c);
    c->told = lt_clock_seconds();
    if (!c->on_event)
        return;
    take_event_fill(&event, c->started);
    event.stage = take_stage_name(h->stage);
    event.window = h->window;
    event.windows = h->windows;
    event.step = h->step;
    event.steps = h->steps;
    event.eta_seconds = seconds_left(c);
    if (c->on_event(c->user, &event) != 0)
        c->cancelled = true;
}

static void enter(take_clock *c, take_stage s, int64_t window, int64_t windows, int64_t steps)
{
    take_clock_hand *h = hand_of(c);
    take_profile_collect(c->engine, TAKE_STAGES);
    h->stage = s;
    h->window = window;
    h->windows = windows;
    h->step = 0;
    h->steps = steps;
    h->running = lt_clock_seconds();
    h->step_began = h->running;
    c->told = h->running;
}

/* "decode 2/5", as progress shows it. */
static void name_place(const take_clock_hand *h, char *text, size_t bytes)
{
    if (h->windows > 1)
        snprintf(text, bytes, "%s %lld/%lld", take_stage_name(h->stage), (long long)h->window + 1,
                 (long long)h->windows);
    else
        snprintf(text, bytes, "%s", take_stage_name(h->stage));
}

static lt_status check(take_clock *c, lt_error *err)
{
    char place[64];
    if (!c->cancelled && !c->stopped)
        return LT_OK;
    name_place(hand_of(c), place, sizeof place);
    return c->cancelled
               ? lt_fail(err, LT_ERR_CANCELLED, "stopped as asked in %s", place)
               : lt_fail(err, LT_ERR_CANCELLED, "stopped in %s: another stage has failed", place);
}

void take_clock_plan(take_clock *c, take_stage s, double units)
{
    take_clock_hold(c);
    c->of[s].total = units;
    take_clock_release(c);
}

void take_clock_plan_more(take_clock *c, take_stage s, double units)
{
    take_clock_hold(c);
    c->of[s].total += units;
    take_clock_release(c);
}

take_stage_total take_clock_of(take_clock *c, take_stage s)
{
    take_clock_hold(c);
    const take_stage_total total = c->of[s];
    take_clock_release(c);
    return total;
}

void take_clock_found(take_clock *c, take_stage s, double units)
{
    take_clock_hold(c);
    c->of[s].done += units;
    take_clock_release(c);
}

void take_clock_enter_quietly(take_clock *c, take_stage s, int64_t window, int64_t windows,
                              int64_t steps)
{
    take_clock_hold(c);
    enter(c, s, window, windows, steps);
    take_clock_release(c);
}

void take_clock_enter(take_clock *c, take_stage s, int64_t window, int64_t windows, int64_t steps)
{
    take_clock_hold(c);
    const bool new_stage =
        c->of[s].measured == 0 && c->of[s].seconds == 0 && c->of[s].open_seconds == 0;
    enter(c, s, window, windows, steps);
    send(c, (longtake_event){.kind = new_stage ? LONGTAKE_EVENT_STAGE : LONGTAKE_EVENT_WINDOW});
    take_clock_release(c);
}

void take_clock_opened(take_clock *c)
{
    take_clock_hold(c);
    take_clock_hand *h = hand_of(c);
    const double at = lt_clock_seconds();
    c->of[h->stage].open_seconds += at - h->running;
    h->running = at;
    h->step_began = at;
    take_clock_release(c);
}

void take_clock_set_apart(take_clock *c, take_stage s)
{
    take_clock_hold(c);
    c->of[s].odd_units = c->of[s].measured;
    c->of[s].odd_seconds = c->of[s].seconds;
    take_clock_release(c);
}

lt_status take_clock_step(take_clock *c, int64_t step, double units, lt_error *err)
{
    take_clock_hold(c);
    take_clock_hand *h = hand_of(c);
    take_stage_total *t = &c->of[h->stage];
    const double at = lt_clock_seconds();
    t->seconds += at - h->running;
    h->running = at;
    t->done += units;
    t->measured += units;
    h->step = step;
    send(c, (longtake_event){.kind = LONGTAKE_EVENT_STEP, .step_seconds = at - h->step_began});
    h->step_began = at;
    const lt_status s = check(c, err);
    take_clock_release(c);
    return s;
}

void take_clock_leave(take_clock *c)
{
    take_clock_hold(c);
    take_clock_hand *h = hand_of(c);
    take_profile_collect(c->engine, h->stage);
    c->of[h->stage].seconds += lt_clock_seconds() - h->running;
    c->of[h->stage].peak_bytes = peak_bytes();
    h->running = lt_clock_seconds();
    take_clock_release(c);
}

void take_clock_at(take_clock *c, int64_t step, int64_t steps)
{
    take_clock_hold(c);
    take_clock_hand *h = hand_of(c);
    h->step = step;
    h->steps = steps;
    take_clock_release(c);
}

bool take_clock_wait(take_clock *c)
{
    take_clock_hold(c);
    if (lt_clock_seconds() >= c->told + wait_seconds)
        send(c, (longtake_event){.kind = LONGTAKE_EVENT_STEP});
    const bool asked = c->cancelled || c->stopped;
    take_clock_release(c);
    return asked;
}

void take_clock_tell(take_clock *c, longtake_event_kind kind, const char *message)
{
    take_clock_hold(c);
    send(c, (longtake_event){.kind = kind, .message = message});
    take_clock_release(c);
}

void take_clock_tell_start(take_clock *c, int64_t frames, double fps)
{
    take_clock_hold(c);
    send(c, (longtake_event){.kind = LONGTAKE_EVENT_START, .frames = frames, .fps = fps});
    take_clock_release(c);
}

void take_clock_split(take_clock *c)
{
    take_clock_hold(c);
    c->is_split = true;
    c->second = pthread_self();
    c->beside = c->own;
    take_clock_release(c);
}

void take_clock_join(take_clock *c)
{
    take_clock_hold(c);
    c->is_split = false;
    take_clock_release(c);
}

void take_clock_stop(take_clock *c)
{
    take_clock_hold(c);
    c->stopped = true;
    take_clock_release(c);
}

double take_clock_left(take_clock *c)
{
    take_clock_hold(c);
    const double left = seconds_left(c);
    take_clock_release(c);
    return left;
}

lt_status take_clock_check(take_clock *c, lt_error *err)
{
    take_clock_hold(c);
    const lt_status s = check(c, err);
    take_clock_release(c);
    return s;
}
