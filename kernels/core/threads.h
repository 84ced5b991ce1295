/* threads.h - a small pool: cut work into tiles, let every thread take the next one.
 *
 * Tiles are numbered by the caller and must not depend on the number of threads; no sum crosses a
 * tile. That is what keeps results identical for any thread count.
 */
#ifndef LT_THREADS_H
#define LT_THREADS_H

#include <pthread.h>
#include <stdint.h>

#include "kernels/core/status.h"

typedef struct lt_pool lt_pool;

/* `worker` is 0 .. lt_pool_threads - 1, so that a tile can use per-worker scratch. */
typedef void (*lt_tile_fn)(void *user, int64_t tile, int worker);

/* threads >= 1 counts the caller; 0 means one for every processor that this process may keep busy
 * (processor_count.h). Fails with LT_ERR_RESOURCES. */
lt_status lt_pool_open(lt_pool **pool, int threads, lt_error *err);
void lt_pool_close(lt_pool *pool); /* accepts NULL */
int lt_pool_threads(const lt_pool *pool);
/* Runs fn for tiles 0 .. tiles-1 and returns when all are done. Not reentrant: one caller at a
 * time, never from a tile. */
void lt_pool_run(lt_pool *pool, int64_t tiles, lt_tile_fn fn, void *user);

/* pthread_create, but signals go on to the threads that had them before: handlers of the program's
 * own do not run on one of ours, and some of what those threads do is to be interrupted. Faults of
 * the thread's own still arrive. */
int lt_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

#endif
