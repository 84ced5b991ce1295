/* test_threads.c - every tile runs once, on a worker that exists, for any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernels/core/processor_count.h"
#include "kernels/core/threads.h"

enum { TILES = 1000 };

typedef struct {
    int runs[TILES]; /* how often each tile ran; tiles are apart, so no lock */
    int threads;
    atomic_int strange; /* worker numbers out of range */
} record;

static void count_tile(void *user, int64_t tile, int worker)
{
    record *r = user;
    r->runs[tile]++;
    if (worker < 0 || worker >= r->threads)
        atomic_fetch_add(&r->strange, 1);
}

static void every_tile_runs_once(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 8};
    static const int tiles[] = {0, 1, 2, 7, TILES};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        lt_pool *pool;
        lt_error err = {0};
        assert_int_equal(lt_pool_open(&pool, threads[i], &err), LT_OK);
        assert_int_equal(lt_pool_threads(pool), threads[i]);
        for (size_t k = 0; k < sizeof tiles / sizeof *tiles; k++) {
            record r = {.threads = threads[i]};
            lt_pool_run(pool, tiles[k], count_tile, &r);
            for (int t = 0; t < TILES; t++)
                assert_int_equal(r.runs[t], t < tiles[k]);
            assert_int_equal(r.strange, 0);
        }
        lt_pool_close(pool);
    }
}

/* Many short rounds, so that a worker that is late for one round meets the next; after some pauses
 * workers sleep. */
static void rounds_do_not_mix(void **state)
{
    (void)state;
    static const int threads[] = {2, 4};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        lt_pool *pool;
        lt_error err = {0};
        assert_int_equal(lt_pool_open(&pool, threads[i], &err), LT_OK);
        record r = {.threads = threads[i]};
        for (int round = 1; round <= 2000; round++) {
            lt_pool_run(pool, 5, count_tile, &r);
            for (int t = 0; t < 5; t++)
                assert_int_equal(r.runs[t], round);
            if (round % 16 == 0)
                nanosleep(&(struct timespec){.tv_nsec = 10000 * (round % 48)}, NULL);
        }
        lt_pool_close(pool);
    }
}

static void zero_means_every_processor_granted(void **state)
{
    (void)state;
    lt_pool *pool;
    lt_error err = {0};
    assert_int_equal(lt_pool_open(&pool, 0, &err), LT_OK);
    assert_int_equal(lt_pool_threads(pool), lt_processor_count());
    lt_pool_close(pool);
}

static void a_negative_count_is_refused(void **state)
{
    (void)state;
    lt_pool *pool = (lt_pool *)state;
    lt_error err = {0};
    assert_int_equal(lt_pool_open(&pool, -1, &err), LT_ERR_USAGE);
    assert_null(pool);
    assert_non_null(strstr(err.message, "-1"));
    lt_pool_close(NULL);
}

static volatile sig_atomic_t handled;

static void handle(int number)
{
    (void)number;
    handled = 1;
}

/* A handler of the program's own does not run on a thread of the pool. */
static void signals_stay_with_their_threads(void **state)
{
    (void)state;
    lt_pool *pool;
    lt_error err = {0};
    sigset_t user;
    sigset_t before;
    sigset_t now;
    assert_int_equal(lt_pool_open(&pool, 3, &err), LT_OK);
    void (*const other)(int) = signal(SIGUSR1, handle);
    sigemptyset(&user);
    sigaddset(&user, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &user, &before), 0);
    assert_false(sigismember(&before, SIGUSR1)); /* which starting threads left as it was */
    kill(getpid(), SIGUSR1);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    assert_int_equal(handled, 0);
    assert_int_equal(sigpending(&now), 0);
    assert_true(sigismember(&now, SIGUSR1));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(handled, 1);
    (void)signal(SIGUSR1, other);
    lt_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tile_runs_once),
        cmocka_unit_test(rounds_do_not_mix),
        cmocka_unit_test(zero_means_every_processor_granted),
        cmocka_unit_test(a_negative_count_is_refused),
        cmocka_unit_test(signals_stay_with_their_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
