/* clock.c - time that passes; see clock.h. */
#include "kernels/core/clock.h"

#include <time.h>

double lt_clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
