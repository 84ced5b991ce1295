/* patient_read.c - poll, ask, read; see patient_read.h. */
#include "media/patient_read.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

enum { WAIT_MILLISECONDS = 100 };

/* Has the writer of a pipe nothing for us yet? */
static bool waits(int fd)
{
    struct pollfd writer = {.fd = fd, .events = POLLIN};
    const int ready = poll(&writer, 1, WAIT_MILLISECONDS);
    return ready == 0 || (ready < 0 && errno == EINTR);
}

ssize_t media_read_patiently(int fd, void *data, size_t bytes, int (*stop)(void *user), void *user)
{
    for (;;) {
        while (waits(fd))
            if (stop && stop(user) != 0) {
                errno = ECANCELED;
                return -1;
            }
        const ssize_t got = read(fd, data, bytes);
        if (got >= 0 || errno != EINTR)
            return got;
    }
}
