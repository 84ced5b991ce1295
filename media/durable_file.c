/* durable_file.c - see durable_file.h. */
#include "media/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int sync_path(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return -1;
    const int synced = fsync(fd);
    const int reason = errno;
    (void)close(fd);
    errno = reason;
    return synced;
}

/* The rename is done; a folder that cannot be synced (some network file systems) does not undo it. */
static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (folder)
        (void)sync_path(folder, O_RDONLY | O_DIRECTORY);
    free(folder);
}

lt_status media_publish(const char *temporary, const char *path, lt_error *err)
{
    if (sync_path(temporary, O_RDONLY) != 0)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: cannot be synced to the disk: %s", temporary,
                       strerror(errno));
    if (rename(temporary, path) != 0)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: cannot be renamed to %s: %s", temporary, path,
                       strerror(errno));
    sync_folder_of(path);
    return LT_OK;
}
