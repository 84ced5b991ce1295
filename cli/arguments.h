/* arguments.h - the command line and the environment -> values. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "cli/flags.h"

/* Reads the arguments over what the environment says to flags of the command. False with a message
 * (at most two lines) when something is wrong. */
bool cli_parse(int argc, char **argv, cli_values *v, char *message, size_t bytes);
/* Names of the variables that flags have their values from and that a message speaks of, by flag or
 * value, a space between two. */
void cli_name_variables(const cli_values *v, const char *message, char *text, size_t bytes);
/* The environment variable that stands for a flag, "LONGTAKE_MAX_MEMORY"; `bytes` are 16 at least.
 */
void cli_variable_of(const cli_flag *f, char *name, size_t bytes);
/* Is the flag given, by the command line or the environment? */
bool cli_has_value(const cli_flag *f, const cli_values *v);

#endif
