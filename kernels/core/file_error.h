/* file_error.h - errno as a status with the file's name.
 *
 * LT_ERR_RESOURCES where handles, memory, disk or quota are out; else the file is at fault,
 * LT_ERR_INPUT.
 */
#ifndef LT_FILE_ERROR_H
#define LT_FILE_ERROR_H

#include "kernels/core/status.h"

/* "PATH: No such file or directory"; LT_ERR_CANCELLED where a signal has ended the wait for it. */
lt_status lt_fail_to_read(const char *path, lt_error *err);
/* "PATH: cannot be written: ..."; LT_ERR_FAILED where the reader of a pipe is gone. */
lt_status lt_fail_to_write(const char *path, lt_error *err);

#endif
