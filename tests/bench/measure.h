/* measure.h - what the programs that measure single operations share. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/core/status.h"

/* Seconds of a clock. */
static inline double bench_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Says what is wrong and ends the program. */
static inline void bench_must(lt_status s, const lt_error *err)
{
    if (s == LT_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

/* Between -1 and 1. */
static inline float bench_noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

#endif
