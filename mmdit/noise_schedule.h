/* noise_schedule.h - the noise level of each timestep, and all numbers of one sampling run.
 *
 *     dit_schedule s;
 *     LT_TRY(dit_schedule_make(cfg, 0, &s, err));
 *     s.step[i].timestep, s.step[i].a, s.step[i].m1, ...
 *
 * "a" is the square root of the released model's cumulative alpha: the latent's share in x = a
 * latent + sqrt(1 - a^2) noise. All of it is f32 in the release's order of operations.
 */
#ifndef DIT_NOISE_SCHEDULE_H
#define DIT_NOISE_SCHEDULE_H

#include <stdbool.h>

#include "configs/mmdit_config.h"
#include "kernels/core/status.h"

enum { DIT_TIMESTEPS = 1000 }; /* of training */

/* A_k of every timestep: 0.9987 at timestep 0, exactly 0 at 999. */
void dit_noise_table(float table[DIT_TIMESTEPS]);

/* Step i of a run of n. The update fields of the last step (no update),
 * and k1, k2 of the first, are 0. */
typedef struct {
    int timestep; /* given to the network */
    float a; /* the sampler's own level: the run's timesteps rescaled by themselves; 0 at step 0 */
    int index;    /* the timestep of the table whose level is nearest to `a` */
    float c_skip; /* x0 = c_skip x + c_out v, from the table at `index` */
    float c_out;
    float m1; /* x <- m1 x - m2 D + noise e, where D = k1 D_i - k2 D_(i-1) */
    float m2;
    float k1;
    float k2;
    float noise;
} dit_step;

typedef struct {
    int steps;
    bool listed; /* the config's own list of timesteps, not the release's even spacing */
    dit_step step[CFG_MAX_STEPS];
} dit_schedule;

/* The run of `steps` steps (0: as many as the config says): the config's list where it has one of
 * that length, else the release's spacing. LT_ERR_USAGE when `steps` is not 1 .. 999, LT_ERR_INPUT
 * when the list is not descending in 999 .. 0. */
lt_status dit_schedule_make(const cfg_mmdit *cfg, int steps, dit_schedule *out, lt_error *err);
/* The run `s` in fewer steps and without noise between them (DPM-Solver++ of second order): of the
 * config's list some, the first and the last among them; else the release's spacing for so many.
 * `fewer` is 1 .. s->steps. */
lt_status dit_schedule_shorten(int fewer, dit_schedule *s, lt_error *err);

#endif
