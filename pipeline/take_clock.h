/* take_clock.h - what a take has done, how fast, and how long the rest will take; hands events to
 * the caller.
 *
 * Work is counted in units that cost about the same inside a stage: codes, denoising steps, decoded
 * latents. What was found in the job folder counts as done but not as measured. The estimate is
 * there once every stage that still has work was measured.
 *
 * A second thread may work for the take (take_beside.h). It has a stage, a window and a step of its
 * own; the user's callbacks are called by one thread at a time.
 */
#ifndef TAKE_TAKE_CLOCK_H
#define TAKE_TAKE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernels/core/status.h"
#include "longtake.h"

typedef enum {
    TAKE_TEXT,
    TAKE_TOKENS,
    TAKE_ENCODE,
    TAKE_REFINE,
    TAKE_DECODE,
    TAKE_WRITE,
    TAKE_READ,
    TAKE_STAGES
} take_stage;

const char *take_stage_name(take_stage s);

typedef struct {
    double total; /* units of the whole take */
    double done;
    double measured;     /* units that were really computed ... */
    double seconds;      /* ... in this time, */
    double open_seconds; /* after networks were opened in this */
    double odd_units;    /* of those measured, what is unlike the work that is left, */
    double odd_seconds;  /* and its time */
    size_t peak_bytes;
} take_stage_total;

/* What a thread is at. */
typedef struct {
    double running; /* since when the current stage runs; 0: none */
    take_stage stage;
    int64_t window;
    int64_t windows;
    int64_t step; /* the last that is done */
    int64_t steps;
    double step_began;
} take_clock_hand;

typedef struct {
    pthread_mutex_t lock; /* of all that follows, and held while the user is called */
    longtake_event_fn on_event;
    void *user;
    longtake *engine; /* whose profile learns of changes of the stage */
    double started;   /* seconds of the monotonic clock */
    double told;      /* when the last event was sent */
    take_stage_total of[TAKE_STAGES];
    bool cancelled; /* the user asked to stop, */
    bool stopped;   /* or one of two threads failed */
    take_clock_hand own;
    bool is_split; /* there is a second thread, */
    pthread_t second;
    take_clock_hand beside; /* and what it is at */
} take_clock;

/* What every event tells, of a take or of a request that has no clock: seconds since `began` (of
 * the monotonic clock) and the resident memory so far. */
void take_event_fill(longtake_event *event, double began);

void take_clock_open(take_clock *c, longtake *engine, longtake_event_fn on_event, void *user);
double take_clock_elapsed(const take_clock *c);
void take_clock_plan(take_clock *c, take_stage s, double units);
/* So many units more than were planned so far. */
void take_clock_plan_more(take_clock *c, take_stage s, double units);
/* What a stage has done so far. */
take_stage_total take_clock_of(take_clock *c, take_stage s);
/* `units` of a stage were found ready. */
void take_clock_found(take_clock *c, take_stage s, double units);

/* A stage works on a window (a segment, for tokens) of `steps` steps; until
 * take_clock_leave its time counts. */
void take_clock_enter(take_clock *c, take_stage s, int64_t window, int64_t windows, int64_t steps);
/* What went on since take_clock_enter was the opening of networks: it does not count as speed. */
void take_clock_opened(take_clock *c);
/* What stage `s` has measured so far is unlike the work that is left: the estimate rests on it no
 * longer than it must. */
void take_clock_set_apart(take_clock *c, take_stage s);
/* Step `step` (from 1) is done and `units` of work with it. LT_ERR_CANCELLED
 * when the caller asked to stop. */
lt_status take_clock_step(take_clock *c, int64_t step, double units, lt_error *err);
void take_clock_leave(take_clock *c);
/* A stage that is told only where it takes long: it enters without an event, and its steps come
 * with take_clock_wait. */
void take_clock_enter_quietly(take_clock *c, take_stage s, int64_t window, int64_t windows,
                              int64_t steps);
/* How far it is: `step` of `steps`, which may turn out on the way. Told with the next event. */
void take_clock_at(take_clock *c, int64_t step, int64_t steps);
/* A step takes long: a few times a second it is told how far it is, and the caller can ask to stop,
 * which is then known: true. So is the failure of the other thread. */
bool take_clock_wait(take_clock *c);

/* Events that are no step. */
void take_clock_tell(take_clock *c, longtake_event_kind kind, const char *message);
void take_clock_tell_start(take_clock *c, int64_t frames, double fps);
/* Nobody else's callback of the user's runs between these two. */
void take_clock_hold(take_clock *c);
void take_clock_release(take_clock *c);

/* The calling thread is a second one, and stands where the first one does; until take_clock_join,
 * by the same thread. */
void take_clock_split(take_clock *c);
void take_clock_join(take_clock *c);
/* One of the two threads has failed: from now on every check and step of the other one is
 * LT_ERR_CANCELLED. */
void take_clock_stop(take_clock *c);

/* Seconds that are left, or -1 when a stage with work left was never
 * measured, or nothing is planned yet. */
double take_clock_left(take_clock *c);
/* LT_ERR_CANCELLED when a stop was asked for. */
lt_status take_clock_check(take_clock *c, lt_error *err);

#endif
