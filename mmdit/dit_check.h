/* dit_check.h - golden files of the diffusion stage: mmdit.upsample, time, position, joint_block,
 * control, denoise, schedule, sample.
 */
#ifndef DIT_CHECK_H
#define DIT_CHECK_H

#include "weights/golden.h"

/* Runs the file's component with the program's code and reports its outputs. LT_ERR_INPUT for an
 * unknown component. */
lt_status dit_check(lt_golden *g, lt_backend *backend, lt_error *err);

#endif
