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
    TAKE_DOES_DECODE = 4  /* frames and video */
} take_does;

/* Peak resident bytes of the whole process, without memory that only the device has. Where the model's weights are not there, their size is that of bf16. */
lt_status take_memory_needed(longtake *e, const take_spec *s, unsigned does, const media_spec *video, int64_t *bytes,
                             lt_error *err);
/* LT_ERR_RESOURCES when the engine's limit is lower than what is needed; LT_ERR_DEVICE_MEMORY when a device with memory of
 * its own has less of it free. */
lt_status take_memory_check(longtake *e, const take_spec *s, unsigned does, const media_spec *video, lt_error *err);

#endif
