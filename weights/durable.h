/* durable.h - giving a finished file or folder its final name so that it survives a power loss. */
#ifndef LT_DURABLE_H
#define LT_DURABLE_H

#include "kernels/core/status.h"

/* errno as a status: LT_ERR_RESOURCES when disk, quota, handles or memory are out, else LT_ERR_INPUT (a path that cannot be
 * written). */
lt_status lt_fail_to_write(const char *path, lt_error *err);

/* Renames `from` to `to` in the same folder, and syncs that folder. */
lt_status lt_rename_durably(const char *from, const char *to, lt_error *err);

#endif
