/* whole_file.h - a small file read into memory at once: word lists,
 * vocabularies, token files, settings. */
#ifndef LT_WHOLE_FILE_H
#define LT_WHOLE_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "kernels/core/status.h"

/* *data: all bytes of the file and a zero behind them; free() it. *bytes: how many, without the
 * zero. Errors: LT_ERR_INPUT: it cannot be read, or holds more than `most` bytes and is thus no
 * `what` ("a token file"); LT_ERR_RESOURCES. After an error *data is NULL. */
lt_status lt_whole_file_read(const char *path, size_t most, const char *what, char **data,
                             size_t *bytes, lt_error *err);
/* The same for what is open already, from where it stands; `place` names it in errors. */
lt_status lt_whole_stream_read(FILE *stream, const char *place, size_t most, const char *what,
                               char **data, size_t *bytes, lt_error *err);

/* A part of it: reads on until *data holds `end` bytes or all there are, and a zero behind them;
 * free() it in any case. Begins with NULL and 0. */
lt_status lt_stream_read_to(FILE *stream, const char *place, size_t end, char **data, size_t *bytes,
                            lt_error *err);

/* *path: what the file `place` means by `name`: an absolute name itself, another one from the
 * folder of `place`. free() it. LT_ERR_RESOURCES, and *path is NULL. */
lt_status lt_path_beside(const char *place, const char *name, char **path, lt_error *err);

#endif
