/* take_beside.c - see take_beside.h: one window at a time goes from the thread that refines to the
 * one that decodes. */
#include "pipeline/take_beside.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/core/threads.h"

/* A window is there to be done: true; or no other will come. The lock is held. */
static bool wait_for_window(take_beside *b)
{
    while (!b->given && !b->ends)
        (void)pthread_cond_wait(&b->turn, &b->lock);
    return b->given;
}

static void *decode_windows(void *argument)
{
    take_beside *b = argument;
    take_clock_split(b->clock);
    (void)pthread_mutex_lock(&b->lock);
    while (b->status == LT_OK && wait_for_window(b)) {
        lt_error found = {0};
        (void)pthread_mutex_unlock(&b->lock);
        const lt_status s = b->work(b->user, b->window, b->latents, &found);
        (void)pthread_mutex_lock(&b->lock);
        b->status = s;
        b->error = found;
        b->given = false;
        if (s != LT_OK) /* and whoever stops for that finds out why */
            take_clock_stop(b->clock);
        (void)pthread_cond_signal(&b->turn);
    }
    (void)pthread_mutex_unlock(&b->lock);
    take_clock_join(b->clock);
    return NULL;
}

lt_status take_beside_open(take_beside *b, take_clock *clock, size_t window_bytes,
                           take_beside_work work, void *user, lt_error *err)
{
    *b = (take_beside){.clock = clock,
                       .window_bytes = window_bytes,
                       .work = work,
                       .user = user,
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .turn = PTHREAD_COND_INITIALIZER,
                       .latents = malloc(window_bytes)};
    if (!b->latents)
        return lt_fail(err, LT_ERR_RESOURCES, "windows: out of memory");
    const int failure = lt_thread_start(&b->thread, decode_windows, b);
    b->runs = failure == 0;
    return b->runs ? LT_OK
                   : lt_fail(err, LT_ERR_RESOURCES, "decode: no thread: %s", strerror(failure));
}

lt_status take_beside_give(take_beside *b, int64_t c, const float *latents, lt_error *err)
{
    (void)pthread_mutex_lock(&b->lock);
    while (b->given)
        (void)pthread_cond_wait(&b->turn, &b->lock);
    const lt_status s = b->status;
    if (s == LT_OK) {
        memcpy(b->latents, latents, b->window_bytes);
        b->window = c;
        b->given = true;
        (void)pthread_cond_signal(&b->turn);
    } else {
        *err = b->error;
    }
    (void)pthread_mutex_unlock(&b->lock);
    return s;
}

lt_status take_beside_close(take_beside *b, lt_status refined, lt_error *err)
{
    (void)pthread_mutex_lock(&b->lock);
    const bool came_first = b->status != LT_OK;
    b->ends = true;
    (void)pthread_cond_signal(&b->turn);
    (void)pthread_mutex_unlock(&b->lock);
    if (refined != LT_OK && b->runs)
        take_clock_stop(b->clock);
    if (b->runs)
        (void)pthread_join(b->thread, NULL);
    free(b->latents);
    (void)pthread_cond_destroy(&b->turn);
    (void)pthread_mutex_destroy(&b->lock);
    if (b->status == LT_OK || (refined != LT_OK && !came_first))
        return refined;
    *err = b->error;
    return b->status;
}
