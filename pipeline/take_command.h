/* take_command.h - the requests of longtake.h, carried out by the name of a command: each goes the
 * same way (take_task.h). */
#ifndef TAKE_TAKE_COMMAND_H
#define TAKE_TAKE_COMMAND_H

#include "pipeline/take_task.h"

/* NULL: none of that name. "run" is "generate". */
const take_command *take_command_named(const char *name);

/* The whole way, on an engine that the caller has entered. */
longtake_status take_carry_out(const char *command, longtake *e, const longtake_request *r,
                               longtake_result *result, longtake_error *error);
/* Generating so, but where the output is there already, made from the same request, it stays as it
 * is: its result says so. */
longtake_status take_generate_once(longtake *e, const longtake_request *r, longtake_result *result,
                                   longtake_error *error);

#endif
