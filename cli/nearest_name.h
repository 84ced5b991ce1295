/* nearest_name.h - what a misspelled word may have meant, or one of other programs. */
#ifndef CLI_NEAREST_NAME_H
#define CLI_NEAREST_NAME_H

#include "cli/flags.h"

/* The flag of `command` (NULL: of any) that is most like `name`, without its
 * dashes; NULL where none is near. */
const char *cli_nearest_flag(const char *name, const char *command);
/* What is called `name` in other programs, as it is typed here, "--seconds", and its first flag, of
 * `command` where that has such a one; NULL: nothing. */
const char *cli_flag_elsewhere(const char *name, const char *command, const cli_flag **flag);
/* The command that is most like `name`; NULL where none is near. */
const char *cli_nearest_command(const char *name);

#endif
