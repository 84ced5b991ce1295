/* file_map.c - mmap of a regular file. */
#include "weights/file_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/core/file_error.h"

static lt_hash identity_of(const struct stat *file)
{
    const uint64_t parts[] = {(uint64_t)file->st_dev, (uint64_t)file->st_ino,
                              (uint64_t)file->st_size, (uint64_t)file->st_mtim.tv_sec,
                              (uint64_t)file->st_mtim.tv_nsec};
    return lt_hash_bytes(parts, sizeof parts);
}

static lt_status map_descriptor(lt_file_map *m, int fd, const char *path, lt_error *err)
{
    struct stat found;
    if (fstat(fd, &found) != 0)
        return lt_fail_to_read(path, err);
    if (!S_ISREG(found.st_mode))
        return lt_fail(err, LT_ERR_INPUT, "%s: is not a regular file", path);
    m->identity = identity_of(&found);
    if (found.st_size == 0)
        return LT_OK;
    void *const memory = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (memory == MAP_FAILED)
        return lt_fail(err, errno == ENOMEM ? LT_ERR_RESOURCES : LT_ERR_INPUT,
                       "%s: cannot map %lld bytes: %s", path, (long long)found.st_size,
                       strerror(errno));
    m->data = memory;
    m->bytes = (size_t)found.st_size;
    return LT_OK;
}

lt_status lt_file_map_open(lt_file_map *m, const char *path, lt_error *err)
{
    *m = (lt_file_map){0};
    /* non-blocking: `path` may be a pipe */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return lt_fail_to_read(path, err);
    const lt_status s = map_descriptor(m, fd, path, err);
    close(fd);
    return s;
}

void lt_file_map_close(lt_file_map *m)
{
    if (m->data)
        munmap(m->data, m->bytes);
    *m = (lt_file_map){0};
}

void lt_file_map_forget(const void *part, size_t bytes)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = ((uintptr_t)part + page - 1) / page * page;
    const uintptr_t end = ((uintptr_t)part + bytes) / page * page;
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}
