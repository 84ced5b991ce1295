/* pipe_guard.c - see pipe_guard.h: the signal is held back, and taken where it came. */
#include "kernels/core/pipe_guard.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static sigset_t pipe_alone(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    return set;
}

void lt_pipe_guard_begin(lt_pipe_guard *guard)
{
    const sigset_t set = pipe_alone();
    sigset_t pending;
    guard->was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    (void)pthread_sigmask(SIG_BLOCK, &set, &guard->before);
}

void lt_pipe_guard_end(const lt_pipe_guard *guard)
{
    static const struct timespec at_once = {0, 0};
    const sigset_t set = pipe_alone();
    const int error = errno;
    while (!guard->was_pending && sigtimedwait(&set, NULL, &at_once) < 0 && errno == EINTR)
        continue;
    (void)pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
    errno = error;
}
