/* output_file.h - a file that appears under its name once it is whole, and stays after a power
 * loss.
 *
 *     lt_output o;
 *     LT_TRY(lt_output_open(&o, "ball.lt", err));
 *     lt_status s = lt_output_write(&o, data, bytes, err);
 *     if (s != LT_OK) lt_output_abandon(&o);
 *     return s == LT_OK ? lt_output_publish(&o, err) : s;
 *
 * Until then it has a temporary name (temporary_file.h) and is nobody else's: what is there by that
 * name goes, and links are not followed. What is no plain file, a pipe or a device, is written as
 * it is, and so is standard output, "-".
 */
#ifndef LT_OUTPUT_FILE_H
#define LT_OUTPUT_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "kernels/core/status.h"

typedef struct {
    char *place;     /* the path, or "standard output": for messages */
    char *temporary; /* NULL: written as it is */
    FILE *file;
} lt_output;

/* Errors as of lt_fail_to_write; nothing is open then. */
lt_status lt_output_open(lt_output *o, const char *path, lt_error *err);
/* At once, through no buffer, and no SIGPIPE comes where the reader is gone. Who writes into `file`
 * itself looks after both. */
lt_status lt_output_write(lt_output *o, const void *data, size_t bytes, lt_error *err);
/* Syncs, renames and closes. Where that fails nothing is left, except where only the folder could
 * not be synced: then the file has its name (durable.h). */
lt_status lt_output_publish(lt_output *o, lt_error *err);
/* Nothing is left of a file; what a stream got it keeps. Accepts a zeroed one. */
void lt_output_abandon(lt_output *o);

#endif
