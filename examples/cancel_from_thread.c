/* cancel_from_thread.c - a long take on a thread of its own; the main thread stops it, and the next
 * run goes on from there.
 *
 *     cancel_from_thread MODEL "a red ball" 60 ball.mp4   stops after two windows, then finishes
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "longtake.h"

typedef struct {
    longtake *engine;
    longtake_request request;
    longtake_status status;
    longtake_error error;

    pthread_mutex_t lock; /* of what both threads see: */
    pthread_cond_t changed;
    int windows_done;
    bool stop;
    bool ended;
} take;

/* Called on the take's thread. */
static int on_event(void *user, const longtake_event *event)
{
    take *t = (take *)user;
    pthread_mutex_lock(&t->lock);
    if (event->kind == LONGTAKE_EVENT_WINDOW_DONE)
        t->windows_done++;
    const bool stop = t->stop;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    return stop;
}

static void *run(void *user)
{
    take *t = (take *)user;
    t->status = longtake_generate(t->engine, &t->request, NULL, &t->error);
    pthread_mutex_lock(&t->lock);
    t->ended = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* Waits until two windows are done, or the take is, and asks for the end. */
static void stop_after_two_windows(take *t)
{
    pthread_mutex_lock(&t->lock);
    while (t->windows_done < 2 && !t->ended)
        pthread_cond_wait(&t->changed, &t->lock);
    t->stop = true;
    pthread_mutex_unlock(&t->lock);
}

int main(int argc, char **argv)
{
    static take t;
    pthread_t thread;
    longtake_options options;
    if (argc != 5) {
        fprintf(stderr, "cancel_from_thread: expected MODEL PROMPT SECONDS OUTPUT\n");
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

    pthread_mutex_init(&t.lock, NULL);
    pthread_cond_init(&t.changed, NULL);
    if (pthread_create(&thread, NULL, run, &t) != 0)
        return LONGTAKE_ERR_FAILED;
    stop_after_two_windows(&t);
    pthread_join(thread, NULL);
    if (t.status != LONGTAKE_OK)
        printf("%s\n", t.error.message);
    if (t.status == LONGTAKE_ERR_CANCELLED) {
        t.stop = false;
        run(&t); /* what is finished is not made again */
    }
    pthread_cond_destroy(&t.changed);
    pthread_mutex_destroy(&t.lock);
    longtake_close(t.engine);
    return (int)t.status;
}
