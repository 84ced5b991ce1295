/* completions.h - shell completions and the man page, made from the
 * tables of commands and flags. */
#ifndef CLI_COMPLETIONS_H
#define CLI_COMPLETIONS_H

/* "bash", "zsh" or "fish" to standard output. */
void cli_completions(const char *shell);
void cli_man_page(void);

#endif
