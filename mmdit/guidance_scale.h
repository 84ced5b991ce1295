/* guidance_scale.h - how strongly the text pulls at each step.
 *
 *     D = uncond + w (cond - uncond)
 */
#ifndef DIT_GUIDANCE_SCALE_H
#define DIT_GUIDANCE_SCALE_H

typedef enum {
    DIT_SCALE_OFFICIAL, /* the release, with the timestep where a step counter was meant: jumps
                           inside [1, 1 + scale] */
    DIT_SCALE_RAMP,     /* what was meant: a smooth rise from 1 towards 1 + scale */
    DIT_SCALE_CONSTANT  /* w = scale */
} dit_scale_kind;

/* w of step `step` of `steps`, which runs at `timestep`. */
double dit_guidance_scale(dit_scale_kind kind, double scale, int step, int steps, int timestep);

#endif
