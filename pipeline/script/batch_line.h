/* batch_line.h - one line of a list of prompts -> what to generate.
 *
 *     a red ball rolls along a beach
 *     {"prompt": "a blue cube", "seconds": 6, "seed": 3, "output": "cube.mp4"}
 */
#ifndef TAKE_BATCH_LINE_H
#define TAKE_BATCH_LINE_H

#include "configs/config_node.h"
#include "longtake.h"

typedef struct {
    cfg_document *document; /* of a JSON line; texts are borrowed from it or from the line */
    const char *prompt;
    const char *output;         /* a plain file name, or NULL */
    longtake_settings settings; /* what the line says; the rest is unset */
} batch_line;

/* `text` is one line without its end; `place` is "prompts.txt:7". LT_ERR_INPUT. */
lt_status batch_line_read(const char *text, const char *place, batch_line *out, lt_error *err);
void batch_line_clear(batch_line *l); /* accepts a zeroed one */

/* True for a line that says nothing: blank, or a comment. */
bool batch_line_is_empty(const char *text);

#endif
