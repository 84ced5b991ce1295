/* cancel_from_thread.c - a long take on a thread of its own; the main thread stops it, and the next run goes on from there.
 *
 *     cancel_from_thread MODEL_DIR "a red ball" 60 ball.mp4      stops after the second window, then finishes
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep, in strict C11 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "longtake.h"

typedef struct {
    longtake *engine;
    longtake_request request;
    longtake_status status;
    longtake_error error;
    atomic_int windows_done;
    atomic_bool stop;
    atomic_bool ended;
} take;

/* Called on the take's thread. */
static int on_event(void *user, const longtake_event *event)
{
    take *t = user;
    if (event->kind == LONGTAKE_EVENT_WINDOW_DONE)
        atomic_fetch_add(&t->windows_done, 1);
    return atomic_load(&t->stop);
}

static void *run(void *user)
{
    take *t = user;
    t->status = longtake_generate(t->engine, &t->request, NULL, &t->error);
    atomic_store(&t->ended, true);
    return NULL;
}

int main(int argc, char **argv)
{
    static take t;
    pthread_t thread;
    longtake_options options;
    if (argc != 5) {
        fprintf(stderr, "cancel_from_thread: expected MODEL_DIR PROMPT SECONDS OUTPUT\n");
        return LONGTAKE_ERR_USAGE;
    }
    longtake_options_init(&options);
    options.model = argv[1];
    if (longtake_open(&options, &t.engine, &t.error) != LONGTAKE_OK) {
        fprintf(stderr, "%s\n", t.error.message);
        return (int)t.error.code;
    }
    longtake_request_init(&t.request);
    t.request.prompt = argv[2];
    t.request.settings.seconds = atof(argv[3]);
    t.request.output = argv[4];
    t.request.on_event = on_event;
    t.request.user = &t;

    if (pthread_create(&thread, NULL, run, &t) != 0)
        return LONGTAKE_ERR_FAILED;
    while (atomic_load(&t.windows_done) < 2 && !atomic_load(&t.ended))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    atomic_store(&t.stop, true);
    pthread_join(thread, NULL);
    if (t.status != LONGTAKE_OK)
        printf("%s\n", t.error.message);
    if (t.status == LONGTAKE_ERR_CANCELLED) {
        atomic_store(&t.stop, false);
        run(&t); /* what is finished is not made again */
    }
    longtake_close(t.engine);
    return (int)t.status;
}
