/* shot_plan.h - shots whose plan is a file's: tokens, or a video that is encoded.
 *
 * The file's segments lie on the take's from the first segment of the shot on, up to the next shot. Where the file ends sooner,
 * the language model goes on.
 */
#ifndef TAKE_SHOT_PLAN_H
#define TAKE_SHOT_PLAN_H

#include "pipeline/take_run.h"

/* The segments are placed. LT_ERR_INPUT for a file that is bad, or of another model, LT_ERR_USAGE for a span that it does not have. */
lt_status take_plan_of_shots(take_run *run, lt_error *err);
/* By its name; else it is a video. */
bool take_is_token_file(const char *path);

#endif
