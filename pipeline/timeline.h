/* timeline.h - one time grid for frames, latents, semantic frames, windows and segments.
 *
 * Latent g covers RGB frames 4g-3 .. 4g (latent 0 covers frame 0 alone); semantic frame g is RGB
 * frame 4g. A window is `window` latents of which the first `overlap` are known from the window
 * before (window 0 has none); a segment is `segment` semantic frames that the language model writes
 * and the tokenizer decodes alone.
 *
 * A take that goes on from a reference of R latents lies on the reference's grid: its window 0
 * begins at latent R - overlap, and knows the reference's last latents (all of them where there are
 * fewer than `overlap`).
 */
#ifndef TAKE_TIMELINE_H
#define TAKE_TIMELINE_H

#include <stdint.h>

enum { TAKE_FRAMES_PER_LATENT = 4 };

typedef struct {
    int64_t frames;  /* RGB frames delivered, >= 1 */
    int64_t latents; /* up to the last computed one: base + window + (window - overlap) k, enough
                        for `frames` */
    int64_t windows;
    int64_t segments; /* that hold `latents` semantic frames */
    int window;       /* latents of a window (13) */
    int overlap;      /* known latents of a window (7) */
    int segment;      /* semantic frames of a full segment (13) */
    int64_t base;     /* first latent of window 0: 0 unless the take goes on from a reference */
    int first_known;  /* latents that window 0 knows; likewise */
} take_timeline;

/* A window's place on the grid. */
typedef struct {
    int64_t first_latent;
    int known;   /* latents known when it begins: 0 in window 0 of a take that begins anew */
    int latents; /* all of its latents */
    int shown;   /* of those, what there is up to the last delivered frame */
    int64_t first_frame; /* first RGB frame that is new in it */
    int64_t frames;      /* new RGB frames computed */
    int64_t delivered;   /* of those, what remains after trimming to the take's length */
} take_window;

/* "window 3", or "windows 3 to 5". */
enum { TAKE_WINDOWS_BYTES = 56 };
const char *take_windows_named(int64_t first, int64_t last, char text[TAKE_WINDOWS_BYTES]);

/* Latents needed for `frames` RGB frames: 1 + ceil((frames - 1) / 4). */
int64_t take_latents_of_frames(int64_t frames);
/* RGB frames of `latents` latents: 4 (latents - 1) + 1. */
int64_t take_frames_of_latents(int64_t latents);

/* frames >= 1, 1 <= overlap < window, segment >= 1. */
take_timeline take_timeline_of(int64_t frames, int window, int overlap, int segment);
/* `frames` counts the reference's frames, those of its `reference` >= 1 latents, as well. */
take_timeline take_timeline_after(int64_t reference, int64_t frames, int window, int overlap,
                                  int segment);
take_window take_window_at(const take_timeline *t, int64_t index);
/* Semantic frames of segment `index` (the last may be shorter). */
int take_segment_frames(const take_timeline *t, int64_t index);

/* Where a prompt that changes at RGB frame `at` takes effect: the first segment that begins at or
 * after it, and the first window whose new latents begin at or after it. May be past the end. */
int64_t take_segment_of_change(const take_timeline *t, int64_t at);
int64_t take_window_of_change(const take_timeline *t, int64_t at);

#endif
