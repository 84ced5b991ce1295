/* threads.c - the pool: workers sleep between runs; in a run everyone takes the next tile from one counter. */
#include "kernels/core/threads.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    lt_pool *pool;
    pthread_t thread;
    int index; /* 1 .. threads - 1; the caller is 0 */
} worker;

/* Between runs `busy` is 0 and every worker waits for `round` to change. */
struct lt_pool {
    int threads; /* the caller included */
    int started; /* workers that exist */
    worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t round_starts;
    pthread_cond_t round_ends;
    uint64_t round;
    int busy; /* workers that have not finished this round */
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

static void *work(void *argument)
{
    const worker *self = argument;
    lt_pool *pool = self->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->round == seen && !pool->closing)
            pthread_cond_wait(&pool->round_starts, &pool->lock);
        if (pool->closing)
            break;
        seen = pool->round;
        pthread_mutex_unlock(&pool->lock);
        take_tiles(pool, self->index);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->round_ends);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Processors that this process may run on: what a container or taskset grants, not what the machine has. */
static int available_processors(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    const int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

static lt_status start_workers(lt_pool *pool, lt_error *err)
{
    for (int i = 1; i < pool->threads; i++) {
        worker *w = &pool->workers[i - 1];
        *w = (worker){.pool = pool, .index = i};
        const int failure = pthread_create(&w->thread, NULL, work, w);
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
        return lt_fail(err, LT_ERR_USAGE, "threads: %d asked for, expected 0 (all processors) or more",
                       threads);
    lt_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "threads: no memory for the pool");
    pool->threads = threads > 0 ? threads : available_processors();
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
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->round_starts);
    pthread_mutex_unlock(&pool->lock);
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
    pthread_mutex_lock(&pool->lock);
    assert(pool->busy == 0);
    pool->fn = fn;
    pool->user = user;
    pool->tiles = tiles;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->busy = pool->started;
    pool->round++;
    pthread_cond_broadcast(&pool->round_starts);
    pthread_mutex_unlock(&pool->lock);

    take_tiles(pool, 0);

    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->round_ends, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
