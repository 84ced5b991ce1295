/* take_decode.h - latents -> frames -> encoded video, window by window.
 *
 * A window's product ("video.003") holds its encoded pictures and how much each frame differs from
 * the one before. The decoder's state after a window ("state.003", with the window's last frame) is
 * kept until the next window is done, so a killed run goes on without decoding anything twice but
 * one window. In a job folder that is kept, states stay as far as there is room for them, so that a
 * retake decodes from its first window on. With carry `frames` a window is decoded alone: its state
 * is the last frame, which the next one's first is compared with (take_seam.h).
 */
#ifndef TAKE_TAKE_DECODE_H
#define TAKE_TAKE_DECODE_H

#include "media/window_encoder.h"
#include "pipeline/take_run.h"
#include "pipeline/take_seam.h"
#include "temporal_vae/vae_decoder.h"

typedef struct {
    take_run *run;
    media_spec spec;
    bool make_video; /* false: frames by callback only */
    lt_weights *file;
    vae_model *vae; /* opened when a window is really decoded, like: */
    vae_decoder *decoder;
    int64_t at;      /* window that the decoder's state stands before; -1: none */
    uint8_t *frames; /* u8 [window frames, H, W, 3] */
    take_changes changes;
    lt_hash *video_key; /* [windows] */
    lt_hash *state_key; /* [windows], of the state after a window */
    int64_t ready;      /* windows 0 .. ready-1 are taken from the job folder */
} take_decoder;

/* `latents_key` [windows] are the keys of all windows' latents. Looks how far
 * the job folder's videos reach. */
lt_status take_decoder_open(take_decoder *d, take_run *run, const media_spec *spec, bool make_video,
                            const lt_hash *latents_key, lt_error *err);
/* Closes the network until the next window is decoded, where the job folder
 * holds the state to go on from. */
void take_decoder_rest(take_decoder *d);
void take_decoder_close(take_decoder *d);

/* Latents that decoding the whole take runs through: what lies behind its last frame is left out,
 * as far as the decoder can. */
int64_t take_decoded_latents(const take_spec *s);
/* Does the job folder hold the encoded pictures of window c? */
bool take_decode_has(const take_decoder *d, int64_t c);
/* Window c, in order from 0; `latents` [window, C, H, W]. Gives the encoded pictures (to be freed;
 * NULL where none are made or the window delivers no frame). They are also given with
 * LT_ERR_CANCELLED where the window was whole when the stop was heard of. */
lt_status take_decode_window(take_decoder *d, int64_t c, const float *latents, void **blob,
                             size_t *bytes, lt_error *err);

/* A window's encoded pictures as the job folder holds them; NULL where the window delivers none.
 * LT_ERR_FAILED when it is gone. */
lt_status take_decode_stored(take_decoder *d, int64_t c, void **blob, size_t *bytes, lt_error *err);

/* Carry `frames`: the latents that window c + 1 begins with, [overlap, C, H, W]: the last frames of
 * window c, encoded again. */
lt_status take_decode_carry(take_decoder *d, int64_t c, const float *latents, float *known,
                            lt_error *err);

/* What window 0 knows of the run's reference, [its latents, C, H, W]. */
lt_status take_decode_reference(take_decoder *d, float *known, lt_error *err);
/* Frames first .. first + count - 1 go to the frame callback, if there is one; LT_ERR_CANCELLED
 * where it asks to stop. */
lt_status take_decode_hand_out(const take_decoder *d, int64_t first, int64_t count,
                               const uint8_t *frames, lt_error *err);

#endif
