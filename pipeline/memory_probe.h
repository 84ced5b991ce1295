/* memory_probe.h - every stage once on a device that counts and computes nothing: what a take needs
 * when it goes one way.
 *
 *     take_probe p;
 *     take_probe_open(&p, engine, spec, err);
 *     p.way = ...;
 *     take_probe_render(&p, does, err);        and the other stages
 *     const take_memory_needs needs = take_probe_needs(&p);
 *     take_probe_close(&p);
 *
 * Between two stages it is a value: a copy is gone on with in one way, another in another.
 */
#ifndef TAKE_MEMORY_PROBE_H
#define TAKE_MEMORY_PROBE_H

#include "pipeline/take_memory.h"

typedef struct {
    longtake *engine;
    const take_spec *spec;
    take_memory way;
    lt_backend *device;   /* counts only */
    size_t largest_file;  /* bytes: each is read whole once, for its hash */
    size_t worst_stage;   /* bytes: weights mapped, device memory and host memory of the stage that
                             needs most */
    size_t base;          /* bytes of the process before anything runs */
    size_t encoder;       /* bytes of one window's video encoder */
    bool apart;           /* the device has memory of its own */
    size_t worst_device;  /* bytes of it; 0 where it is the host's and counted above */
    size_t worst_pinned;  /* bytes of the host's memory, counted above, that are pinned for it */
    size_t refine_passes; /* bytes of it that refining took while it ran and then gave back, where
                             decoding runs beside it */
} take_probe;

typedef struct {
    int64_t host;
    int64_t device; /* 0: the device has none of its own */
    int64_t pinned; /* of the host's */
} take_memory_needs;

lt_status take_probe_open(take_probe *p, longtake *e, const take_spec *s, lt_error *err);
void take_probe_close(take_probe *p);

/* The process as it is now; `reads`: and will read a video. */
void take_probe_process(take_probe *p, bool reads);
/* Encoding the first window, the libraries that are loaded for it included. */
lt_status take_probe_video(take_probe *p, const media_spec *video, lt_error *err);
/* Reading the codes of a video. */
lt_status take_probe_codes(take_probe *p, lt_error *err);
/* A prompt's text embedding by `net`, and the plan. */
lt_status take_probe_text(take_probe *p, take_net net, lt_error *err);
lt_status take_probe_tokens(take_probe *p, take_net net, lt_error *err);
/* Refining and decoding, as far as the take does (take_does). */
lt_status take_probe_render(take_probe *p, unsigned does, lt_error *err);

/* Of all that was run so far. */
take_memory_needs take_probe_needs(const take_probe *p);

#endif
