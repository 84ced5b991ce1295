/* frame_turn.h - pictures stored lying or mirrored: the eight ways a camera may be held.
 *
 * Upright pixel (X, Y) is stored pixel (x, y): x and y are X and Y, swapped where `transposed`,
 * each then counted from the other end where mirrored.
 */
#ifndef MEDIA_FRAME_TURN_H
#define MEDIA_FRAME_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    bool transposed;
    bool mirror_x; /* of the stored picture */
    bool mirror_y;
} media_turn;

/* From a display matrix as libav hands it out (3x3, row-major, 16.16): the nearest of the eight. */
media_turn media_turn_of(const int32_t matrix[9]);

/* What makes the stored picture upright: mirrored left to right, or not; then turned to the right
 * by 0, 90, 180 or 270 degrees. */
bool media_turn_mirrors(media_turn turn);
int media_turn_degrees(media_turn turn);

/* Copies a stored RGB picture of w x h (`stored_stride` bytes a row) upright to
 * `out` (`stride` bytes a row). */
void media_turn_rgb(media_turn turn, const uint8_t *stored, ptrdiff_t stored_stride, int w, int h,
                    uint8_t *out, ptrdiff_t stride);

#endif
