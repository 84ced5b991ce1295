/* memory_file.c - memfd. */
#include "tests/support/memory_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int memory_file(const void *data, size_t bytes, char path[MEMORY_FILE_PATH])
{
    const int fd = memfd_create("test", MFD_CLOEXEC);
    if (fd < 0 || (bytes > 0 && write(fd, data, bytes) != (ssize_t)bytes)) {
        perror("memfd");
        exit(1);
    }
    snprintf(path, MEMORY_FILE_PATH, "/proc/self/fd/%d", fd);
    return fd;
}
