/* temporary_file.c - names with a thread in them, and locks that end with its process; see
 * temporary_file.h. */
#include "kernels/core/temporary_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ending[] = ".part";

void lt_temporary_hold(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EINTR) {
    }
}

/* The thread in "NAME.THREAD.part", or 0 for any other name. */
static long thread_in(const char *entry, const char *name)
{
    const size_t length = strlen(name);
    if (strncmp(entry, name, length) != 0 || entry[length] != '.')
        return 0;
    const char *const number = entry + length + 1;
    const size_t digits = strspn(number, "0123456789");
    return digits > 0 && digits < 10 && strcmp(number + digits, ending) == 0
               ? strtol(number, NULL, 10)
               : 0;
}

/* Does nobody write it any more? */
static bool is_stale(int folder, const char *entry, long thread, bool *is_folder)
{
    if (thread == (long)gettid() || kill((pid_t)thread, 0) == 0 || errno != ESRCH)
        return false;
    const int fd = openat(folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    const bool ours =
        fd >= 0 && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
    const bool free_to_go = ours && flock(fd, LOCK_EX | LOCK_NB) == 0;
    *is_folder = ours && S_ISDIR(st.st_mode);
    if (fd >= 0)
        (void)close(fd);
    return free_to_go;
}

static void remove_stale(const char *folder, const char *entry,
                         void (*remove_folder)(const char *stale))
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, entry) < 0)
        return;
    remove_folder(path);
    free(path);
}

static void clear(const char *folder, const char *name, void (*remove_folder)(const char *stale))
{
    DIR *const d = opendir(folder);
    if (!d)
        return;
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        const long thread = thread_in(e->d_name, name);
        bool is_folder = false;
        if (thread == 0 || !is_stale(dirfd(d), e->d_name, thread, &is_folder))
            continue;
        if (!is_folder)
            (void)unlinkat(dirfd(d), e->d_name, 0);
        else if (remove_folder)
            remove_stale(folder, e->d_name, remove_folder);
    }
    closedir(d);
}

char *lt_temporary_folder_name(const char *path, void (*remove_folder)(const char *stale))
{
    char *name = NULL;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') /* "made/" is written as "made.1234.part" */
        length--;
    const char *const slash = memrchr(path, '/', length);
    char *const folder =
        slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    char *const base =
        strndup(slash ? slash + 1 : path, length - (slash ? (size_t)(slash + 1 - path) : 0));
    if (folder && base) {
        clear(folder, base, remove_folder);
        if (asprintf(&name, "%.*s.%ld%s", (int)length, path, (long)gettid(), ending) < 0)
            name = NULL;
    }
    free(base);
    free(folder);
    return name;
}

char *lt_temporary_name(const char *path)
{
    return lt_temporary_folder_name(path, NULL);
}

int lt_temporary_create(const char *temporary)
{
    (void)unlink(temporary);
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd >= 0)
        lt_temporary_hold(fd);
    return fd;
}
