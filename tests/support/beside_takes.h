/* beside_takes.h - takes of two windows or three on a device that can be opened twice, or fails.
 *
 *     beside_open();                                the tiny model, in the scratch folder
 *     beside_make(ONE_AFTER_THE_OTHER, "whole");    whole.mp4 and the job folder whole
 *     beside_make(AT_ONCE, "another");
 *     beside_expect_same("another");                as whole, file by file
 *
 * The device is the processor, opened twice as if it were a device of its own; with EMULATED_CARD
 * kernels/cuda for the host.
 */
#ifndef TEST_BESIDE_TAKES_H
#define TEST_BESIDE_TAKES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/hash.h"
#include "pipeline/engine.h"

#ifdef EMULATED_CARD /* which takes seconds for one window */
enum { SECONDS = 3, WINDOWS = 2, STEPS = 2 };
#else
enum { SECONDS = 4, WINDOWS = 3, STEPS = 4 };
#endif

typedef enum { WORKS, NO_PICTURES, NO_NOISE, NEITHER, NO_SECOND } beside_fault;

/* What the device of the engine that was opened last does. */
struct beside_device {
    size_t memory;       /* that is free */
    int opened;          /* beside the first */
    bool refines_slowly; /* longer than a window is decoded */
    bool decodes_slowly; /* until the take was asked to stop, but no longer than ten seconds */
    atomic_bool stopped; /* it was */
    beside_fault fails;
    atomic_int pictures; /* calls of what fails */
    atomic_int noise;
};
extern struct beside_device beside_device;

typedef enum { ONE_AFTER_THE_OTHER, AT_ONCE } beside_way;

/* Writes the tiny model, with pictures of 32x32, into a new scratch folder. */
void beside_open(void);
/* That model on a device that can be opened twice or not. */
longtake *beside_engine(beside_way how);

/* What the user saw, and does. */
typedef struct {
    atomic_int inside; /* callbacks that run */
    bool collided;
    bool mixed;      /* a stage was told with the steps or the order of another */
    int64_t refined; /* window of its last event */
    int64_t decoded;
    pthread_t refines;
    pthread_t decodes;
    int64_t frames;
    lt_hash pictures;
    const char *stop_stage; /* at this step the take is stopped, or NULL */
    int64_t stop_window;
    int64_t stop_step;
    int64_t stop_frame; /* or -1 */
    bool dies;          /* it is killed instead */
} beside_listener;

/* Callbacks with a beside_listener as user. */
int beside_on_event(void *user, const longtake_event *event);
int beside_on_frame(void *user, int64_t index, const uint8_t *rgb, int width, int height);
longtake_request beside_request(beside_listener *l);

/* A job folder that holds what comes before refining: the same in all of these takes. */
void beside_begin_folder(const char *name);
/* The take NAME.mp4 in job folder NAME, or its frames alone where `shows`. */
longtake_status beside_take(longtake *e, const char *name, bool shows, beside_listener *l,
                            longtake_error *error);
/* The same, which must go well; of an engine that is there, or of one of its own. */
void beside_make_with(longtake *e, const char *name);
void beside_make(beside_way how, const char *name);

void beside_expect_same_file(const char *a, const char *b);
/* The video of `name` as that of the take "whole", and every product that it has in its folder:
 * latents, states, pictures. */
void beside_expect_same(const char *name);

#endif
