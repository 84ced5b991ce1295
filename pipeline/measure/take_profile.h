/* take_profile.h - what every operation cost, stage by stage, against what the machine can do.
 *
 * The backend counts (kernels/op_profile.h); whenever a take changes its stage, what was counted is
 * moved to the stage that ran. An operation's share of the machine is the time that its FLOP or its
 * bytes need at best over the time it took. Small operands stay in the caches, so the share of
 * memory-bound operations may be above one.
 */
#ifndef TAKE_TAKE_PROFILE_H
#define TAKE_TAKE_PROFILE_H

#include "kernels/core/json.h"
#include "pipeline/engine.h"
#include "pipeline/take_clock.h"

/* Starts counting on the engine's backend. */
lt_status take_profile_open(longtake *e, lt_error *err);
void take_profile_close(longtake *e);

/* Moves what was counted, and the time that went by, since the last call to `stage`; TAKE_STAGES:
 * to no stage. Without a profile nothing happens. */
void take_profile_collect(longtake *e, take_stage stage);

/* An array with one object per stage and operation, and one per stage as a whole; NULL without a
 * profile, or after a failure. */
lt_json *take_profile_json(longtake *e, lt_error *err);
/* Sets the share of the machine that a stage has used, and what the rest of its time went to; only
 * after take_profile_json. */
void take_profile_share(const longtake *e, take_stage stage, lt_json *o);

#endif
