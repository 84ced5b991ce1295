/* context.h - what every command needs, and what commands do alike: open an engine, tell errors,
 * print what was made. */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include "cli/flags.h"
#include "cli/progress.h"
#include "longtake.h"

/* What every command needs: the values, where to look for models, how progress is shown. */
typedef struct {
    const cli_values *values;
    const char *const *search; /* folders that hold configs/ and models/ */
    const char *model;         /* that a script asks for; a flag wins */
    cli_progress progress;
} cli_context;

/* Prints "longtake: MESSAGE" (its second line is the hint) and returns the code, that of the signal
 * where one stopped the run. */
int cli_fail(cli_context *c, const longtake_error *error);
int cli_usage(cli_context *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line for the user, about a file or flag. */
void cli_note(cli_context *c, const char *place, const char *text);

/* The event callback of every request, a cli_context its user: shows the event; non-zero after a
 * signal that stops the run. */
int cli_hear_event(void *context, const longtake_event *event);

/* A JSON document: with --json as it is, on one line, else laid out to be read. */
void cli_print_document(const cli_context *c, const char *json);
/* Whether standard output may take a file, where --output - asks for that; a message where not. */
int cli_check_stream(cli_context *c);
/* "-", or the pipe or terminal that standard output is by another name, "/dev/stdout": no word of
 * ours belongs into it. */
bool cli_is_standard_output(const char *path);
/* The path of what was made, unless that was standard output; with --json as {"output":"PATH"}. */
void cli_print_output(const cli_context *c, const char *path);

/* An engine from -m, --device, ...; NULL with the exit code in *code. */
longtake *cli_engine(cli_context *c, int *code);
/* Prints the profile where --profile asked for one, and closes the engine; accepts NULL. */
void cli_engine_close(cli_context *c, longtake *engine);
/* The whole text of a file or of standard input ("-"), without a last newline, to *text; free() it.
 * The exit code after a message. */
int cli_read_text(cli_context *c, const char *path, char **text);

#endif
