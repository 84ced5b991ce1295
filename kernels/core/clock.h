/* clock.h - time that passes. */
#ifndef LT_CLOCK_H
#define LT_CLOCK_H

/* Seconds since some moment, whatever is done to the system's clock. */
double lt_clock_seconds(void);

#endif
