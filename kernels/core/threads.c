/* threads.c - the pool: in a run everyone takes the next tile from one counter; between runs
 * workers look out for the next one for a moment, then sleep. */
#include "kernels/core/threads.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/core/processor_count.h"

typedef struct {
    lt_pool *pool;
    pthread_t thread;
    int index; /* 1 .. threads - 1; the caller is 0 */
} worker;

/* How long a wait looks before it sleeps: longer than most pauses between operations. Waking a
 * sleeper took 35 us, and the caller after it slept 45, of operations of 400 to 2000 us (step of
 * the released language model, Emerald Rapids in a virtual machine). */
enum { LOOK_NANOSECONDS = 100000, LOOKS_PER_CLOCK = 16 };

/* Between runs `busy` is 0 and every worker waits for `round` to change. */
struct lt_pool {
    int threads; /* the caller included */
    int started; /* workers that exist */
    bool looks;  /* not where threads share processors: the one waited for may need this one */
    worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t round_starts;
    pthread_cond_t round_ends;
    atomic_ullong round; /* changes under the lock */
    atomic_int busy;     /* workers that have not finished this round */
    bool closing;
    lt_tile_fn fn;
    void *user;
    int64_t tiles;
    atomic_llong next;
};

static void take_tiles(lt_pool *pool, int index)
{
    for (;;) {
        const int64_t tile = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (tile >= pool->tiles)
            return;
        pool->fn(pool->user, tile, index);
    }
}

static void look_away(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

typedef bool (*pool_state)(lt_pool *pool, uint64_t seen);

static bool round_started(lt_pool *pool, uint64_t seen)
{
    return atomic_load_explicit(&pool->round, memory_order_acquire) != seen;
}

static bool round_ended(lt_pool *pool, uint64_t seen)
{
    (void)seen;
    return atomic_load_explicit(&pool->busy, memory_order_acquire) == 0;
}

static bool saw(lt_pool *pool, pool_state state, uint64_t seen)
{
    const int64_t end = nanoseconds() + LOOK_NANOSECONDS;
    do {
        for (int i = 0; i < LOOKS_PER_CLOCK; i++) {
            if (state(pool, seen))
                return true;
            look_away();
        }
    } while (nanoseconds() < end);
    return false;
}

static void await(lt_pool *pool, pool_state state, uint64_t seen, pthread_cond_t *change)
{
    if (pool->looks && saw(pool, state, seen))
        return;
    pthread_mutex_lock(&pool->lock);
    while (!state(pool, seen))
        pthread_cond_wait(change, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

/* Wakes who sleeps for the next round. */
static void start_round(lt_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
    pthread_cond_broadcast(&pool->round_starts);
    pthread_mutex_unlock(&pool->lock);
}

/* Wakes the caller, where it sleeps, after the last worker. */
static void finish_round(lt_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_signal(&pool->round_ends);
    pthread_mutex_unlock(&pool->lock);
}

static void *work(void *argument)
{
    const worker *self = argument;
    lt_pool *pool = self->pool;
    for (uint64_t seen = 0;; seen++) {
        await(pool, round_started, seen, &pool->round_starts);
        if (pool->closing)
            break;
        take_tiles(pool, self->index);
        finish_round(pool);
    }
    return NULL;
}

int lt_thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t held;
    sigset_t before;
    (void)sigfillset(&held);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        (void)sigdelset(&held, faults[i]);
    (void)pthread_sigmask(SIG_SETMASK, &held, &before);
    const int failure = pthread_create(thread, NULL, run, argument);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

static lt_status start_workers(lt_pool *pool, lt_error *err)
{
    for (int i = 1; i < pool->threads; i++) {
        worker *w = &pool->workers[i - 1];
        *w = (worker){.pool = pool, .index = i};
        const int failure = lt_thread_start(&w->thread, work, w);
        if (failure != 0)
            return lt_fail(err, LT_ERR_RESOURCES, "threads: started %d of %d: %s", i, pool->threads,
                           strerror(failure));
        pool->started++;
    }
    return LT_OK;
}

lt_status lt_pool_open(lt_pool **out, int threads, lt_error *err)
{
    *out = NULL;
    if (threads < 0)
        return lt_fail(err, LT_ERR_USAGE,
                       "threads: %d asked for, expected 0 (all processors) or more", threads);
    lt_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "threads: no memory for the pool");
    const int processors = lt_processor_count();
    pool->threads = threads > 0 ? threads : processors;
    pool->looks = pool->threads <= processors;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->round_starts, NULL);
    pthread_cond_init(&pool->round_ends, NULL);
    pool->workers = calloc((size_t)pool->threads, sizeof *pool->workers);
    lt_status s = LT_OK;
    if (pool->workers == NULL)
        s = lt_fail(err, LT_ERR_RESOURCES, "threads: no memory for %d threads", pool->threads);
    else
        s = start_workers(pool, err);
    if (s != LT_OK) {
        lt_pool_close(pool);
        return s;
    }
    *out = pool;
    return LT_OK;
}

void lt_pool_close(lt_pool *pool)
{
    if (pool == NULL)
        return;
    pool->closing = true;
    start_round(pool);
    for (int i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->round_ends);
    pthread_cond_destroy(&pool->round_starts);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}

int lt_pool_threads(const lt_pool *pool)
{
    return pool->threads;
}

void lt_pool_run(lt_pool *pool, int64_t tiles, lt_tile_fn fn, void *user)
{
    if (pool->threads == 1 || tiles <= 1) { /* nobody to wake */
        for (int64_t tile = 0; tile < tiles; tile++)
            fn(user, tile, 0);
        return;
    }
    assert(atomic_load(&pool->busy) == 0);
    pool->fn = fn;
    pool->user = user;
    pool->tiles = tiles;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->busy, pool->started, memory_order_relaxed);
    start_round(pool);
    take_tiles(pool, 0);
    await(pool, round_ended, 0, &pool->round_ends);
}
