/* pipe_guard.h - writing where the reader may be gone: the write fails with EPIPE, and no SIGPIPE
 * ends the process.
 *
 *     lt_pipe_guard guard;
 *     lt_pipe_guard_begin(&guard);
 *     const ssize_t written = write(fd, data, bytes);
 *     lt_pipe_guard_end(&guard);                       errno is as the write left it
 *
 * Of the calling thread alone: what the process has the signal do elsewhere is not touched.
 */
#ifndef LT_PIPE_GUARD_H
#define LT_PIPE_GUARD_H

#include <signal.h>
#include <stdbool.h>

typedef struct {
    sigset_t before;
    bool was_pending; /* a signal of somebody else's, which stays */
} lt_pipe_guard;

void lt_pipe_guard_begin(lt_pipe_guard *guard);
void lt_pipe_guard_end(const lt_pipe_guard *guard);

#endif
