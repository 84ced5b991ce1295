/* clock.h - time that passes. */
#ifndef LT_CLOCK_H
#define LT_CLOCK_H

#include <time.h>

/* Seconds on one of the system's clocks: CLOCK_PROCESS_CPUTIME_ID counts those of all threads. */
double lt_clock_of(clockid_t clock);
/* Seconds since some moment, whatever is done to the system's clock. */
double lt_clock_seconds(void);

#endif
