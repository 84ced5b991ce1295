/* take_memory.h - the most memory that a take will need, found without reading a weight, and the
 * quickest way that keeps to what is allowed.
 *
 * Every stage runs once, at the take's sizes, on a device that counts and computes nothing
 * (memory_probe.h): the code that is measured is the code that will run. To that come what the
 * weight files map, what the pipeline keeps between stages, and what the process and one window's
 * video encoder take, as measured there.
 */
#ifndef TAKE_TAKE_MEMORY_H
#define TAKE_TAKE_MEMORY_H

#include "kernels/core/json.h"
#include "media/media_format.h"
#include "pipeline/engine.h"
#include "pipeline/take_spec.h"

/* What a take does; each adds what it needs. */
typedef enum {
    TAKE_DOES_TOKENS = 1, /* language model */
    TAKE_DOES_REFINE = 2,
    TAKE_DOES_DECODE = 4, /* frames and video */
    /* a job folder holds the decoder's state: networks may be opened in turns */
    TAKE_DOES_KEEP = 8,
    TAKE_DOES_PREVIEW = 16, /* pictures of the one window that is worked on */
    TAKE_DOES_GO_ON = 32,   /* begins with frames of a reference, which the VAE encodes */
    TAKE_DOES_ENCODE = 64,  /* a video's frames become codes */
    TAKE_DOES_SCORE = 128,  /* the language model reads a plan */
    TAKE_DOES_LEAVE = 256 /* the job folder stays, with the state after the last window, from which
                             a longer take goes on */
} take_does;

/* Networks that refine and decode stay open side by side, which is quicker, or where memory does
 * not allow it are opened in turns, window by window. On a device that can be opened twice they
 * also compute at once: a window is decoded while the next one is refined (take_beside.h). The same
 * bytes come out. */
typedef enum {
    TAKE_NETWORKS_TOGETHER,
    TAKE_NETWORKS_IN_TURNS,
    TAKE_NETWORKS_AT_ONCE
} take_networks;

/* The VAE works on all frames of a call, which is quicker, or where memory does not allow it on one
 * after the other (temporal_vae/frame_layers.h). The same bytes come out, so a device with kernels
 * of its own choice is not asked to. */
typedef enum { TAKE_VAE_WHOLE_CALLS, TAKE_VAE_FRAME_BY_FRAME } take_vae_pace;

/* What a take needs, and the choice made for it. `bytes`: peak resident memory of the whole
 * process, without memory that only the device has; where the model's weights are not there, their
 * size is that of bf16. On a device with memory of its own a network that does not fit there has
 * its matrices come from the host when they are used (`home`), from pinned memory where the host
 * has room for them, else from the mapped file as far as they are stored as the device reads them.
 * The same bytes come out. */
typedef struct {
    take_networks networks;
    take_vae_pace vae;
    lt_home home[TAKE_NETS];
    int64_t bytes;
    int64_t device_bytes; /* 0: the device has no memory of its own */
    int64_t pinned_bytes; /* of `bytes`; the most that is pinned at once */
} take_memory;

/* The engine's limit is one of the memory that the device computes in: the host's, or its own.
 * LT_ERR_RESOURCES when the host's is lower than the least that is needed, or less of it can be
 * pinned; LT_ERR_DEVICE_MEMORY when a device's own is, or less of it is free. Backends are waited
 * for and let go of what they kept from an earlier take; LT_ERR_DEVICE where the device is lost. */
lt_status take_memory_choose(longtake *e, const take_spec *s, unsigned does,
                             const media_spec *video, take_memory *out, lt_error *err);
/* The same, but looks only where there is a limit; without one the quicker ways are taken. */
lt_status take_memory_limit(longtake *e, const take_spec *s, unsigned does, const media_spec *video,
                            take_memory *out, lt_error *err);
/* Adds "networks", "vae", and "streamed": {"mmdit": "pinned memory"}. */
void take_memory_describe(const take_memory *m, lt_json *o);
/* What of the VAE is opened, for vae_open: the encoder as well where frames are encoded, those of a
 * reference (`goes_on`) among them. */
unsigned take_vae_parts(const take_memory *m, cfg_carry carry, bool goes_on);
/* "mmdit, text_encoder.ar" of those whose matrices come from the host; "" where none do. */
void take_memory_streamed(const take_memory *m, char *out, size_t bytes);

#endif
