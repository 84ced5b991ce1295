/* sde_solver.h - one step of SDE-DPM-Solver++ (2M), all in f32. */
#ifndef DIT_SDE_SOLVER_H
#define DIT_SDE_SOLVER_H

#include "kernels/ops.h"
#include "mmdit/noise_schedule.h"

/* out = the clean latent that x and the network's answer v stand for; all f32 of one shape. */
void dit_denoised_into(lt_ops *o, const dit_step *s, lt_tensor out, lt_tensor x, lt_tensor v);

/* x becomes less noisy: `denoised` is this step's clean latent, `previous` the last step's (none at
 * step 0), `noise` fresh normals. Not for the last step of a run, where x becomes the clean latent
 * itself. */
void dit_solver_step(lt_ops *o, const dit_step *s, lt_tensor x, lt_tensor denoised,
                     lt_tensor previous, lt_tensor noise);

#endif
