/* profile_table.h - `--profile`: on standard error, what every stage and operation cost. */
#ifndef CLI_PROFILE_TABLE_H
#define CLI_PROFILE_TABLE_H

#include "cli/context.h"

/* A table, or with `--progress jsonl` an object a line; a message where the engine was opened
 * without a profile. */
void cli_print_profile(cli_context *c, longtake *engine);

#endif
