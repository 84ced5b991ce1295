/* durable.c - rename, then sync of the folder that holds the name. */
#include "kernels/core/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/core/file_error.h"

bool lt_takes_a_rename(const char *path)
{
    struct stat st;
    return stat(path, &st) != 0 || S_ISREG(st.st_mode);
}

lt_status lt_sync_folder(const char *folder, lt_error *err)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? LT_OK : lt_fail_to_write(folder, err);
    const bool fine = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
    const lt_status s = fine ? LT_OK : lt_fail_to_write(folder, err);
    close(fd);
    return s;
}

lt_status lt_sync_folder_of(const char *path, lt_error *err)
{
    const char *slash = path + strlen(path);
    while (slash > path && slash[-1] == '/') /* "made/" is in the folder of "made" */
        slash--;
    while (slash > path && slash[-1] != '/')
        slash--;
    char folder[PATH_MAX] = ".";
    if (slash > path &&
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path) >= (int)sizeof folder)
        return lt_fail(err, LT_ERR_INPUT, "%s: the path is too long", path);
    return lt_sync_folder(folder, err);
}

lt_status lt_rename_durably(const char *from, const char *to, lt_error *err)
{
    if (rename(from, to) != 0)
        return lt_fail_to_write(to, err);
    return lt_sync_folder_of(to, err);
}

lt_status lt_write_synced(const char *path, const void *data, size_t bytes, lt_error *err)
{
    FILE *const file = fopen(path, "wbe");
    if (!file)
        return lt_fail_to_write(path, err);
    lt_status s = LT_OK;
    if ((bytes > 0 && fwrite(data, 1, bytes, file) != bytes) || fflush(file) != 0 ||
        fsync(fileno(file)) != 0)
        s = lt_fail_to_write(path, err);
    if (fclose(file) != 0 && s == LT_OK)
        s = lt_fail_to_write(path, err);
    return s;
}
