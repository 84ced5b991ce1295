/* config_print.h - --print-config: every value that is in force, and where it came from. */
#ifndef CLI_CONFIG_PRINT_H
#define CLI_CONFIG_PRINT_H

#include "cli/context.h"

/* Every configuration value; with --json as one object. The exit code. */
int cli_print_config(cli_context *c, longtake *engine);
/* The same for a take: what `r` sets beside the configuration stands instead of the value there,
 * with the flag or variable that said it; else `film` (NULL: none) or the --recipe did, which have
 * filled the request by now. */
int cli_print_take_config(cli_context *c, longtake *engine, const longtake_film *film,
                          const longtake_request *r);

#endif
