/* flag_values.h - what flags hold: texts -> values, in the range of their flag. */
#ifndef CLI_FLAG_VALUES_H
#define CLI_FLAG_VALUES_H

#include "cli/flags.h"

/* Nothing is given. */
void cli_defaults(cli_values *v);
bool cli_given(double number); /* false: CLI_UNSET */
/* Is the flag's value kept as a double? */
bool cli_is_number(const cli_flag *f);
/* Puts `text` where the flag's value is kept (a list grows by it; of a switch no text is looked
 * at). False with a message when it is none. */
bool cli_store(const cli_flag *f, const char *text, cli_values *v, char *message, size_t bytes);

/* "12s" "1:05" "1:02:03" "96f" "3.5" -> seconds at `fps`. False when it is none of these. */
bool cli_time(const char *text, double fps, double *seconds);
/* "12s-18s" of two such times, the second later. */
bool cli_span(const char *text, double fps, double *from, double *to);

#endif
