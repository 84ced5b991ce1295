/* timeline.h - one time grid for frames, latents, semantic frames, windows and segments.
 *
 * Latent g covers RGB frames 4g-3 .. 4g (latent 0 covers frame 0 alone); semantic frame g is RGB frame 4g. A window is
 * `window` latents of which the first `overlap` are known from the window before (window 0 has none); a segment is
 * `segment` semantic frames that the language model writes and the tokenizer decodes alone.
 */
#ifndef TAKE_TIMELINE_H
#define TAKE_TIMELINE_H

#include <stdint.h>

enum { TAKE_FRAMES_PER_LATENT = 4 };

typedef struct {
    int64_t frames;     /* RGB frames delivered, >= 1 */
    int64_t latents;    /* computed: window + (window - overlap) k, enough for `frames` */
    int64_t windows;
    int64_t segments;   /* that hold `latents` semantic frames */
    int window;         /* latents of a window (13) */
    int overlap;        /* known latents of a window (7) */
    int segment;        /* semantic frames of a full segment (13) */
} take_timeline;

/* A window's place on the grid. */
typedef struct {
    int64_t first_latent;
    int known;            /* latents known when it begins: 0 in window 0 */
    int latents;          /* all of its latents */
    int64_t first_frame;  /* first RGB frame that is new in it */
    int64_t frames;       /* new RGB frames computed */
    int64_t delivered;    /* of those, what remains after trimming to the take's length */
} take_window;

/* Latents needed for `frames` RGB frames: 1 + ceil((frames - 1) / 4). */
int64_t take_latents_of_frames(int64_t frames);
/* RGB frames of `latents` latents: 4 (latents - 1) + 1. */
int64_t take_frames_of_latents(int64_t latents);

/* frames >= 1, 1 <= overlap < window, segment >= 1. */
take_timeline take_timeline_of(int64_t frames, int window, int overlap, int segment);
take_window take_window_at(const take_timeline *t, int64_t index);
/* Semantic frames of segment `index` (the last may be shorter). */
int take_segment_frames(const take_timeline *t, int64_t index);

/* Where a prompt that changes at RGB frame `at` takes effect: the first segment that begins at or after it, and the first
 * window whose new latents begin at or after it. May be past the end. */
int64_t take_segment_of_change(const take_timeline *t, int64_t at);
int64_t take_window_of_change(const take_timeline *t, int64_t at);

#endif
