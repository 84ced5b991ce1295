/* speed_plan.h - what a run leaves out when it may be less than exact.
 *
 *     exact    every step, every pass
 *     fast     3 of 5 steps, faster 3 of 10, by a solver without noise of second order; and of
 *              neighbouring steps, whose latents hardly differ, every second one takes over what
 *              the one before has computed: the control branch's signals, and the difference that
 *              the text makes
 *
 * Everything is decided by timesteps and guidance scales before the run: the same bytes on any
 * number of threads.
 */
#ifndef DIT_SPEED_PLAN_H
#define DIT_SPEED_PLAN_H

#include <stdbool.h>

#include "mmdit/noise_schedule.h"
#include "mmdit/text_guidance.h"

typedef enum { DIT_EXACT, DIT_FAST, DIT_FASTER } dit_speed;

/* Where a step's guidance comes from. */
typedef enum {
    DIT_GUIDE_OFF, /* the scale is 1, or so near that it is taken for it: no unconditional pass */
    DIT_GUIDE_NOW, /* an unconditional pass of its own */
    DIT_GUIDE_KEPT /* the difference of the step before */
} dit_guide;

typedef struct {
    dit_guide guide;
    bool keeps;  /* the next step takes this one's signals over */
    bool reuses; /* the signals are those of the step before */
} dit_step_plan;

/* Steps of a run in place of `steps` of the exact one. */
int dit_speed_steps(dit_speed speed, int steps);
/* The schedule of that run; `steps` as for dit_schedule_make. */
lt_status dit_speed_schedule(dit_speed speed, const cfg_mmdit *cfg, int steps, dit_schedule *out,
                             lt_error *err);
/* plan [s->steps], scale [s->steps]. */
void dit_speed_plan(dit_speed speed, const dit_schedule *s, const double *scale,
                    dit_guidance_kind guidance, dit_step_plan *plan);

#endif
