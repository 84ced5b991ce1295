/* interrupt.h - Ctrl-C or SIGTERM once stops after the current step, twice at once. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* A closed pipe and a file beyond the size that is allowed are write errors with a message, not the
 * end of the process. */
void cli_writes_give_errors(void);
/* From now on signals are only remembered: for commands that ask
 * cli_interrupt_code between two steps. */
void cli_interrupt_watch(void);
/* 0, or the exit code that the signal asks for: 130 or 143. */
int cli_interrupt_code(void);

#endif
