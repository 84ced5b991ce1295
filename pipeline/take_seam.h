/* take_seam.h - how much a take changes from frame to frame, and how its windows meet.
 *
 *     take_changes_saw(&c, first, count, frames);     every frame once, in order
 *     take_seam worst = take_worst_seam(&c, &time);
 *
 * Frames of a take that goes on are not seen again: what was measured of a window is kept with its
 * video (take_changes_put), and its last frame, which the next window's first is compared with,
 * with what the decoder goes on from (take_changes_put_last). A frame whose neighbour was not seen
 * is not measured, rather than compared with another.
 */
#ifndef TAKE_TAKE_SEAM_H
#define TAKE_TAKE_SEAM_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"
#include "pipeline/timeline.h"

typedef struct {
    size_t frame_bytes;
    double *change;  /* mean |F_k - F_(k-1)| of every frame so far, 0 where not known */
    uint8_t *last;   /* the frame that was seen last, */
    int64_t last_at; /* and which that is; -1: none */
} take_changes;

/* Of a take of `frames` frames; close it in any case. */
lt_status take_changes_open(take_changes *c, int64_t frames, size_t frame_bytes, lt_error *err);
void take_changes_close(take_changes *c);

/* Frames first .. first + count - 1, u8 [count, frame_bytes]. */
void take_changes_saw(take_changes *c, int64_t first, int64_t count, const uint8_t *frames);

/* What is known of `count` frames, to be kept and given back: in so many bytes. */
size_t take_changes_bytes(int64_t count);
void take_changes_put(const take_changes *c, int64_t first, int64_t count, void *out);
void take_changes_get(take_changes *c, int64_t first, int64_t count, const void *in);
/* The frame that was seen last, [frame_bytes]; given back as frame `at`. */
void take_changes_put_last(const take_changes *c, void *out);
void take_changes_get_last(take_changes *c, int64_t at, const void *in);

/* The largest seam of a take, and before which window; 0 and -1 where none was measured. */
typedef struct {
    double worst_seam;
    int64_t seam_window;
} take_seam;

/* The seam before a window: change at its first frame over the median change of the 8 frames on
 * either side; 0 where it was not measured. */
double take_seam_before(const take_changes *c, const take_timeline *time, int64_t window);
take_seam take_worst_seam(const take_changes *c, const take_timeline *time);

#endif
