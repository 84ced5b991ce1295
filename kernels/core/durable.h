/* durable.h - giving a finished file or folder its final name so that it survives a power loss. */
#ifndef LT_DURABLE_H
#define LT_DURABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/core/status.h"

/* Does a plain file stand at `path`, or nothing yet? Anything else (a device, a pipe) is written as
 * it is: a rename would replace it. */
bool lt_takes_a_rename(const char *path);

/* Syncs a folder: the names in it. One that may be written and not be read cannot be synced, nor
 * can those of some file systems: LT_OK. */
lt_status lt_sync_folder(const char *folder, lt_error *err);
/* The same with the folder that `path` is in. */
lt_status lt_sync_folder_of(const char *path, lt_error *err);
/* Renames `from` to `to` in the same folder, and syncs that folder. Where the latter fails `to` is
 * there, but may be gone after a power loss. */
lt_status lt_rename_durably(const char *from, const char *to, lt_error *err);

/* Writes a whole file and syncs it; meant for a folder that gets its final name later. */
lt_status lt_write_synced(const char *path, const void *data, size_t bytes, lt_error *err);

#endif
