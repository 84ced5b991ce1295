/* cuda_weight_stream.h - matrices that stay in the host's memory and come to the device when they
 * are used.
 *
 * LT_WEIGHT_PLACES places of device memory take them in turns. While one is multiplied with, the
 * next ones are copied, on a stream of their own. Which come next is what came next the last time,
 * and at first the order of loading; a guess that proves wrong costs the time of a copy and nothing
 * else, since what is not there is always brought:
 *
 *     copies:      wait until operations have left the place | copy | ready
 *     operations:  wait until it is ready | multiply | left, when the next matrix is asked for
 *
 * What is copied is the prepared form, made once while loading: operations read the same bytes as
 * if it had always been on the device.
 */
#ifndef LT_CUDA_WEIGHT_STREAM_H
#define LT_CUDA_WEIGHT_STREAM_H

#include "kernels/cuda/cuda_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One matrix, its values and scales in a row when they are in a place:
 * scales begin at `scales_at`. */
typedef struct lt_cuda_streamed {
    const void *values; /* in the host's memory */
    const void *scales; /* or NULL */
    size_t value_bytes;
    size_t scale_bytes;
    size_t scales_at;
    void *pinned; /* that values and scales point into; NULL where they are in a mapped file */
    int place;    /* that holds it, or -1 */
    struct lt_cuda_streamed *next;   /* what was used after it the last time, or NULL */
    struct lt_cuda_streamed *before; /* loaded before it: a list of all */
} lt_cuda_streamed;

/* Bytes of a place that holds so much; a multiple of LT_CUDA_ALIGN. */
size_t lt_cuda_place_bytes(size_t value_bytes, size_t scale_bytes);
/* A matrix that has no memory on the host yet. Afterwards every place is empty and is large enough
 * for it; *scratch is one of them, for operations that are queued before the next
 * lt_cuda_stream_bring. Where the device has no room for larger places those of before stay for the
 * other matrices. */
lt_status lt_cuda_stream_add(lt_cuda *c, size_t value_bytes, size_t scale_bytes,
                             lt_cuda_streamed **out, void **scratch, lt_error *err);
/* Gives it pinned memory for values and scales, to be filled. */
lt_status lt_cuda_stream_pin(lt_cuda *c, lt_cuda_streamed *s, lt_error *err);
void lt_cuda_stream_drop(lt_cuda *c, lt_cuda_streamed *s); /* accepts NULL */
/* Brings `count` of them, at most LT_CUDA_WEIGHTS_AT_ONCE, for operations that are queued from now
 * on until the next call. Fails with LT_ERR_DEVICE_MEMORY where lt_cuda_stream_add found no room
 * and what it gave up for that was taken by others. */
lt_status lt_cuda_stream_bring(lt_cuda *c, lt_cuda_streamed *const *s, int count, lt_error *err);
/* Where those operations find one's values; its scales are `scales_at` behind. */
void *lt_cuda_stream_place(const lt_cuda *c, const lt_cuda_streamed *s);

#ifdef __cplusplus
}
#endif
#endif
