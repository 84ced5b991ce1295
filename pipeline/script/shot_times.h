/* shot_times.h - when a prompt that changes over time takes effect, in words. */
#ifndef TAKE_SHOT_TIMES_H
#define TAKE_SHOT_TIMES_H

#include "pipeline/take_spec.h"

enum { TAKE_SHOT_LINE_BYTES = 320 };

/* First RGB frame whose plan, or whose pictures, follow the shot; -1 where the take ends before. */
int64_t take_shot_plan_frame(const take_spec *s, int shot);
int64_t take_shot_picture_frame(const take_spec *s, int shot);

/* False where the take ends before a window that would be refined by the shot's prompt, or has no
 * part of it at all. What the plan does not carry, such as rain, is then not seen. */
bool take_shot_is_heard(const take_spec *s, int shot);

/* `"... at night" (12.0 s): planned from 12.6 s on, painted from 12.1 s on`; what is new in a long
 * prompt stands for it. */
void take_shot_line(const take_spec *s, int shot, char text[TAKE_SHOT_LINE_BYTES]);

#endif
