/* commands.h - what each command does with the library; the values are
 * checked for their own range only. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/context.h"

/* Each returns the exit code and has printed its error. */
int cli_take(cli_context *c);         /* generate tokens encode refine decode render continue run */
int cli_tokens_edit(cli_context *c);  /* tokens cut, tokens join */
int cli_tokens_score(cli_context *c); /* tokens score */
int cli_info(cli_context *c);
int cli_import(cli_context *c);
int cli_check(cli_context *c);
int cli_bench(cli_context *c);
int cli_devices(cli_context *c);

#endif
