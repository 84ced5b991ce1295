/* take_refine.h - plan + text + noise -> latents, window by window.
 *
 *     take_refiner r;
 *     take_refiner_open(&r, run, err);
 *     for (c = 0; c < windows; c++)
 *         take_refine_window(&r, 0, c, key[c], known, latents, err);  // job folder first
 *     take_refiner_close(&r);
 */
#ifndef TAKE_TAKE_REFINE_H
#define TAKE_TAKE_REFINE_H

#include "mmdit/dit_model.h"
#include "pipeline/preview/take_preview.h"
#include "tokenizer/picture_motion.h"
#include "tokenizer/tokenizer.h"

/* Control latents of one segment of the plan. */
typedef struct {
    int64_t segment; /* -1: empty */
    float *control;  /* [segment frames, C, H, W]; a picture stands still in it */
    float *features; /* [segment frames, h, w, C] */
} take_segment_control;

typedef struct {
    take_run *run;
    int64_t values;       /* of one latent: C x H x W */
    tok_model *semantics; /* opened when a window is really computed, like: */
    dit_model *network;
    lt_weights *tokenizer_file;
    lt_weights *network_file;
    take_segment_control *kept; /* [kept_count]: as many segments as a window can touch, by number
                                   modulo kept_count */
    int kept_count;
    float *control;            /* [window, C, H, W] */
    tok_picture_motion motion; /* of a model that knows pictures */
    take_preview preview;      /* where the request asks for one */
} take_refiner;

lt_status take_refiner_open(take_refiner *r, take_run *run, lt_error *err);
/* Closes the networks until the next window is computed. */
void take_refiner_rest(take_refiner *r);
void take_refiner_close(take_refiner *r);

/* Key of window c of a layer (take_retake.h), which follows the window of key
 * `before` (unused in window 0). */
lt_status take_refine_key(take_refiner *r, int layer, int64_t c, lt_hash before, lt_hash *key,
                          lt_error *err);
/* Does the job folder hold window c under `key`? */
bool take_refine_has(const take_refiner *r, int64_t c, lt_hash key);
/* Fills latents [window, C, H, W] of window c under `key`: found in the job folder, or refined and
 * kept there. `known` [overlap, C, H, W] are the latents that the window begins with (unused in
 * window 0). */
lt_status take_refine_window(take_refiner *r, int layer, int64_t c, lt_hash key, const float *known,
                             float *latents, lt_error *err);

#endif
