/* clock.c - time that passes; see clock.h. */
#include "kernels/core/clock.h"

double lt_clock_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double lt_clock_seconds(void)
{
    return lt_clock_of(CLOCK_MONOTONIC);
}
