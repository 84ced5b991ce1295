/* take_memory.h - the most memory that a take will need, found without reading a weight.
 *
 * Every stage runs once, at the take's sizes, on a device that counts and computes nothing (lt_measure_open): the code that is
 * measured is the code that will run. To that come what the weight files map, what the pipeline keeps between stages, and
 * what the process and one window's video encoder take, as measured here.
 */
#ifndef TAKE_TAKE_MEMORY_H
#define TAKE_TAKE_MEMORY_H

#include "media/media_format.h"
#include "pipeline/engine.h"
#include "pipeline/take_spec.h"

/* What a take does; each adds what it needs. */
typedef enum {
    TAKE_DOES_TOKENS = 1, /* language model */
    TAKE_DOES_REFINE = 2,
    TAKE_DOES_DECODE = 4, /* frames and video */
    TAKE_DOES_KEEP = 8    /* a job folder holds the decoder's state: networks may be opened in turns */
} take_does;

/* Networks that refine and decode stay open side by side, which is quicker, or where memory does not allow it are opened in
 * turns, window by window. The same bytes come out. */
typedef enum { TAKE_NETWORKS_TOGETHER, TAKE_NETWORKS_IN_TURNS } take_networks;

/* The VAE works on all frames of a call, which is quicker, or where memory does not allow it on one after the other
 * (temporal_vae/frame_layers.h). The same bytes come out, so a device with kernels of its own choice is not asked to. */
typedef enum { TAKE_VAE_WHOLE_CALLS, TAKE_VAE_FRAME_BY_FRAME } take_vae_pace;

/* What a take needs, and the choice made for it. `bytes`: peak resident memory of the whole process, without memory that only
 * the device has; where the model's weights are not there, their size is that of bf16. */
typedef struct {
    take_networks networks;
    take_vae_pace vae;
    int64_t bytes;
} take_memory;

/* LT_ERR_RESOURCES when the engine's limit is lower than the least that is needed; LT_ERR_DEVICE_MEMORY when a device with
 * memory of its own has less of it free. */
lt_status take_memory_choose(longtake *e, const take_spec *s, unsigned does, const media_spec *video, take_memory *out,
                             lt_error *err);
/* The same, but looks only where there is a limit; without one the quicker ways are taken. */
lt_status take_memory_limit(longtake *e, const take_spec *s, unsigned does, const media_spec *video, take_memory *out,
                            lt_error *err);

#endif
