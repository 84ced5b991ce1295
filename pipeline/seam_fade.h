/* seam_fade.h - from a reference's own pictures to decoded ones without a jump.
 *
 * The first new frames come out of the decoder, which does not show a reference quite as it is: `shown` is the reference's last
 * frame, `decoded` the same frame as the decoder shows it. What lies between them is added to the new frames, less with each:
 * all of it to the first, nothing after TAKE_FADE_FRAMES. It holds no motion, so nothing is seen twice.
 *
 * A model that does not know what it sees paints something else all the same. Where the first new frame then still differs from
 * the last shown one by more than frames of the reference usually do, the rest of the way is gone in steps of that size, as in
 * a dissolve, within TAKE_DISSOLVE_FRAMES: three seconds at 8 a second, all that a later window of the release adds.
 */
#ifndef TAKE_SEAM_FADE_H
#define TAKE_SEAM_FADE_H

#include <stddef.h>
#include <stdint.h>

enum { TAKE_FADE_FRAMES = 16, TAKE_DISSOLVE_FRAMES = 24 };

/* frames [count], each like `shown` and `decoded` of `bytes` values. `usual_change` is the mean difference between consecutive
 * frames of the reference; below zero: not known, and nothing is dissolved. The number of dissolved frames is returned. */
int take_seam_fade(const uint8_t *shown, const uint8_t *decoded, uint8_t *frames, int64_t count, size_t bytes,
                   double usual_change);

/* The mean difference of two pictures, in grey levels. */
double take_picture_difference(const uint8_t *a, const uint8_t *b, size_t bytes);
/* The median of `count` >= 1 values, which are sorted for it. */
double take_median(double *values, int64_t count);
/* The median of the mean differences between consecutive pictures; -1 where there are fewer than two, or memory is out. */
double take_usual_change(const uint8_t *frames, int64_t count, size_t bytes);

#endif
