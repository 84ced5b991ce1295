/* nearest_name.h - what a misspelled word may have meant. */
#ifndef CLI_NEAREST_NAME_H
#define CLI_NEAREST_NAME_H

/* The flag of `command` (NULL: of any) that is most like `name`, without its
 * dashes; NULL where none is near. */
const char *cli_nearest_flag(const char *name, const char *command);
/* The same of commands. */
const char *cli_nearest_command(const char *name);

#endif
