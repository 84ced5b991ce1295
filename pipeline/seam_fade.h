/* seam_fade.h - from a reference's own pictures to decoded ones without a jump.
 *
 * The first new frames come out of the decoder, which does not show a reference quite as it is:
 * `shown` is the reference's last frame, `decoded` the same frame as the decoder shows it. What
 * lies between them is added to the new frames, less with each:
 * all of it to the first, nothing after TAKE_FADE_FRAMES, and nothing where the picture has moved
 * on: what was there is not seen twice.
 *
 * A model that is told something else paints it. Where the first new frame then still differs from
 * the last shown one by more than frames of the reference usually do, the rest of the way is gone
 * in steps of that size, within TAKE_DISSOLVE_FRAMES: three seconds at 8 a second, all that a later
 * window of the release adds.
 *
 * Behind pictures that the model does not know it begins anew. Nothing goes on then, and what the
 * decoder misses of them is most of them: the last picture stays, and pales as the new ones play
 * (take_seam_dissolve).
 */
#ifndef TAKE_SEAM_FADE_H
#define TAKE_SEAM_FADE_H

#include <stddef.h>
#include <stdint.h>

enum { TAKE_FADE_FRAMES = 16, TAKE_DISSOLVE_FRAMES = 24 };

/* frames [count], each like `shown` and `decoded` of `bytes` values. `usual_change` is the mean
 * difference between consecutive frames of the reference; below zero: not known, and nothing is
 * blended. The number of blended frames is returned. */
int take_seam_fade(const uint8_t *shown, const uint8_t *decoded, uint8_t *frames, int64_t count,
                   size_t bytes, double usual_change);

/* The same of pictures that do not go on; over TAKE_FADE_FRAMES at least. */
int take_seam_dissolve(const uint8_t *shown, uint8_t *frames, int64_t count, size_t bytes,
                       double usual_change);

/* The mean difference of two pictures, in grey levels. */
double take_picture_difference(const uint8_t *a, const uint8_t *b, size_t bytes);
/* The median of `count` >= 1 values, which are sorted for it. */
double take_median(double *values, int64_t count);
/* The median of the mean differences between consecutive pictures; -1 where there are fewer than
 * two, or memory is out. */
double take_usual_change(const uint8_t *frames, int64_t count, size_t bytes);

#endif
