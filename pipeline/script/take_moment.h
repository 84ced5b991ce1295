/* take_moment.h - a point in time as people write it: "12s", "3.5", "1:05", "1:02:03" or "96f". */
#ifndef TAKE_TAKE_MOMENT_H
#define TAKE_TAKE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double value; /* seconds or frames, >= 0, at most a day */
    bool in_frames;
} take_moment;

/* False when the whole of `text` is none of these. The program reads its flags so too
 * (cli/flag_values.c), but for the day. */
bool take_moment_read(const char *text, take_moment *out);
/* RGB frame at `fps` frames a second, the nearest one. */
int64_t take_moment_frame(take_moment m, double fps);

#endif
