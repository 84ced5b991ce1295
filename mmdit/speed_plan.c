/* speed_plan.c - see speed_plan.h. */
#include "mmdit/speed_plan.h"

#include <math.h>

enum {
    NEAR_STEPS = 50 /* of 1000 timesteps: the released 50 and 30 steps are nearer than that, those
                       of mini are not */
};

/* The release's guidance has single steps within 0.07 of 1 (its quirk): there the text pulls less
 * than the solver errs. */
static const double SLIGHT_GUIDANCE = 0.07;

int dit_speed_steps(dit_speed speed, int steps)
{
    if (speed == DIT_EXACT)
        return steps;
    const int tenths = speed == DIT_FAST ? 6 : 3;
    return (steps * tenths + 9) / 10;
}

lt_status dit_speed_schedule(dit_speed speed, const cfg_mmdit *cfg, int steps, dit_schedule *out,
                             lt_error *err)
{
    LT_TRY(dit_schedule_make(cfg, steps, out, err));
    if (speed == DIT_EXACT)
        return LT_OK;
    return dit_schedule_shorten(dit_speed_steps(speed, out->steps), out, err);
}

void dit_speed_plan(dit_speed speed, const dit_schedule *s, const double *scale,
                    dit_guidance_kind guidance, dit_step_plan *plan)
{
    for (int i = 0; i < s->steps; i++) {
        plan[i] = (dit_step_plan){.guide = scale[i] == 1.0 ? DIT_GUIDE_OFF : DIT_GUIDE_NOW};
        if (speed == DIT_EXACT)
            continue;
        if (fabs(scale[i] - 1.0) < SLIGHT_GUIDANCE)
            plan[i].guide = DIT_GUIDE_OFF;
        if (i == 0 || plan[i - 1].reuses ||
            s->step[i - 1].timestep - s->step[i].timestep > NEAR_STEPS)
            continue;
        plan[i].reuses = true;
        plan[i - 1].keeps = true;
        const bool difference = guidance == DIT_GUIDANCE_CFG && plan[i - 1].guide == DIT_GUIDE_NOW;
        if (difference && plan[i].guide == DIT_GUIDE_NOW)
            plan[i].guide = DIT_GUIDE_KEPT;
    }
}
