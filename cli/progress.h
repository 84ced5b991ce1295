/* progress.h - what a running request shows on standard error.
 *
 * bar: one redrawn line a stage, for terminals of any width. plain: one line per finished group of
 * steps, no carriage returns. jsonl: one JSON object a line for every event.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>

#include "longtake.h"

typedef enum { PROGRESS_NONE, PROGRESS_PLAIN, PROGRESS_BAR, PROGRESS_JSONL } progress_kind;

typedef struct {
    progress_kind kind;
    bool warnings;   /* shown as lines unless --quiet */
    bool every_step; /* plain: a line for each */
    bool colour;
    bool line_open;  /* the bar's line has no newline yet */
    char stage[32];  /* of the open line */
    bool stage_done; /* with its last window */
    double shown_at; /* seconds, of the last redraw or plain line */
    double elapsed;  /* seconds, of the last event */
} cli_progress;

/* name: auto, bar, plain, jsonl or none. `verbose` makes plain of
 * auto, with a line for every step. */
void cli_progress_init(cli_progress *p, const char *name, bool quiet, bool verbose);
void cli_progress_event(cli_progress *p, const longtake_event *event);
void cli_progress_end(cli_progress *p); /* closes an open line */
/* The last word: "longtake: MESSAGE", or an event where events are shown. */
void cli_progress_error(cli_progress *p, int code, const char *message);

#endif
