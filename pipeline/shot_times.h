/* shot_times.h - when a prompt that changes over time takes effect, in words. */
#ifndef TAKE_SHOT_TIMES_H
#define TAKE_SHOT_TIMES_H

#include "pipeline/take_spec.h"

enum { TAKE_SHOT_LINE_BYTES = 256 };

/* First RGB frame whose plan, or whose pictures, follow the shot; -1 where the take ends before. */
int64_t take_shot_plan_frame(const take_spec *s, int shot);
int64_t take_shot_picture_frame(const take_spec *s, int shot);

/* "shot 1 (12.0 s): plan from 13.0 s, segment 2; refined by its prompt from 12.1 s, window 2" */
void take_shot_line(const take_spec *s, int shot, char text[TAKE_SHOT_LINE_BYTES]);

#endif
