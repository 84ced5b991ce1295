/* stopwatch.h - wall time and processor time of one stretch of work.
 *
 *     take_time best = {0};
 *     const take_time began = take_now();
 *     ... the work ...
 *     take_keep_best(&best, began);
 *
 * On a machine that others use too, processor time is the figure that says how much work there was.
 */
#ifndef TAKE_STOPWATCH_H
#define TAKE_STOPWATCH_H

#include "kernels/core/clock.h"

typedef struct {
    double wall;      /* seconds */
    double processor; /* seconds of all threads together */
} take_time;

static inline take_time take_now(void)
{
    return (take_time){.wall = lt_clock_seconds(),
                       .processor = lt_clock_of(CLOCK_PROCESS_CPUTIME_ID)};
}

/* Each of the two is the least so far; a zeroed `best` has none yet. */
static inline void take_keep_best(take_time *best, take_time began)
{
    const take_time now = take_now();
    const take_time took = {now.wall - began.wall, now.processor - began.processor};
    if (best->wall <= 0 || took.wall < best->wall)
        best->wall = took.wall;
    if (best->processor <= 0 || took.processor < best->processor)
        best->processor = took.processor;
}

#endif
