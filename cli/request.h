/* request.h - what flags say of a request of the library: its settings and its prompt. */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "cli/context.h"

/* What no flag says stays unset. */
void cli_fill_settings(const cli_values *v, longtake_settings *s);
/* The prompt that `text` means: itself, "@FILE" or "-" (standard input); NULL where it is NULL.
 * free() it. The exit code, after a message. */
int cli_prompt(cli_context *c, const char *text, char **prompt);

#endif
