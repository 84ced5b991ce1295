/* help.h - texts made from the flag table. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

/* The short help of `longtake` alone; the help of one command (NULL:
 * of all). To standard output. */
void cli_help_short(void);
void cli_help(const char *command);

#endif
