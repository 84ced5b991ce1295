/* take_beside.h - a thread that decodes and writes a window while the next one is refined, on a
 * device that can be opened twice.
 *
 *     take_beside b;
 *     take_beside_open(&b, &clock, window_bytes, decode_and_write, user, err);
 *     for (c = 0; c < windows && s == LT_OK; c++) {
 *         ... refine window c into latents ...
 *         s = take_beside_give(&b, c, latents, err);
 *     }
 *     s = take_beside_close(&b, s, err);
 *
 * Between open and close what the work uses is the thread's. What comes out has the bytes of one
 * after the other: every window is decoded after the one before it, from the same latents.
 */
#ifndef TAKE_TAKE_BESIDE_H
#define TAKE_TAKE_BESIDE_H

#include <pthread.h>

#include "pipeline/take_clock.h"

/* Decodes window c of latents [window, C, H, W] and writes it. */
typedef lt_status (*take_beside_work)(void *user, int64_t c, const float *latents, lt_error *err);

typedef struct {
    take_clock *clock;
    size_t window_bytes;
    take_beside_work work;
    void *user;
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t turn;
    float *latents; /* [window, C, H, W] of window `window`, */
    int64_t window;
    bool given;       /* which the thread has still to do, or does */
    bool ends;        /* nothing more comes */
    lt_status status; /* of the windows so far, */
    lt_error error;   /* and the first that failed */
} take_beside;

/* Starts the thread. LT_ERR_RESOURCES. Close it in any case. */
lt_status take_beside_open(take_beside *b, take_clock *clock, size_t window_bytes,
                           take_beside_work work, void *user, lt_error *err);
/* Copies a window's latents and returns once the window before is done. Where that failed: its
 * error, and this window is not taken. */
lt_status take_beside_give(take_beside *b, int64_t c, const float *latents, lt_error *err);
/* Waits for the thread and gives what became of all windows. `refined` and `err` are how refining
 * ended: after a failure the window that was given last is still decoded and written, and the error
 * that came first is given. */
lt_status take_beside_close(take_beside *b, lt_status refined, lt_error *err);

#endif
