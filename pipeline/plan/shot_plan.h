/* shot_plan.h - shots whose plan is a file's: tokens, or a video that is encoded.
 *
 * The file's segments lie on the take's from the first segment of the shot on, up to the next shot.
 * Where the file ends sooner, the language model goes on.
 */
#ifndef TAKE_SHOT_PLAN_H
#define TAKE_SHOT_PLAN_H

#include "pipeline/take_run.h"

/* The segments are placed. LT_ERR_INPUT for a file that is bad, or of another model, LT_ERR_USAGE
 * for a span that it does not have. */
lt_status take_plan_of_shots(take_run *run, lt_error *err);
/* Before anything runs: is the file of the shot's plan readable, of the engine's model where it is
 * tokens, and as long as the span? A video is taken at its header's word, and where that says
 * nothing, its length is found when it is encoded. LT_ERR_INPUT for the file, LT_ERR_USAGE for the
 * span. */
lt_status take_shot_plan_check(const longtake *e, const longtake_shot *shot, lt_error *err);
/* By its name; else it is a video. */
bool take_is_token_file(const char *path);

#endif
