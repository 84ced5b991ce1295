/* frame_turn.c - see frame_turn.h. */
#include "media/frame_turn.h"

#include <string.h>

media_turn media_turn_of(const int32_t matrix[9])
{
    /* X = a x + c y, Y = b x + d y, up to a shift */
    const int64_t a = matrix[0];
    const int64_t b = matrix[1];
    const int64_t c = matrix[3];
    const int64_t d = matrix[4];
    const int64_t straight = (a < 0 ? -a : a) + (d < 0 ? -d : d);
    const int64_t crossed = (b < 0 ? -b : b) + (c < 0 ? -c : c);
    if (crossed > straight)
        return (media_turn){.transposed = true, .mirror_x = b < 0, .mirror_y = c < 0};
    return (media_turn){.mirror_x = a < 0, .mirror_y = d < 0};
}

bool media_turn_mirrors(media_turn turn)
{
    return turn.transposed == (turn.mirror_x == turn.mirror_y);
}

int media_turn_degrees(media_turn turn)
{
    if (turn.transposed)
        return turn.mirror_y ? 90 : 270;
    return turn.mirror_y ? 180 : 0;
}

void media_turn_rgb(media_turn turn, const uint8_t *stored, ptrdiff_t stored_stride, int w, int h,
                    uint8_t *out, ptrdiff_t stride)
{
    const int width = turn.transposed ? h : w;
    const int height = turn.transposed ? w : h;
    if (!turn.transposed && !turn.mirror_x && !turn.mirror_y) {
        for (int Y = 0; Y < height; Y++)
            memcpy(out + Y * stride, stored + Y * stored_stride, 3 * (size_t)width);
        return;
    }
    for (int Y = 0; Y < height; Y++)
        for (int X = 0; X < width; X++) {
            const int x = turn.transposed ? Y : X;
            const int y = turn.transposed ? X : Y;
            const ptrdiff_t from_x = turn.mirror_x ? w - 1 - x : x;
            const ptrdiff_t from_y = turn.mirror_y ? h - 1 - y : y;
            memcpy(out + Y * stride + 3 * X, stored + from_y * stored_stride + 3 * from_x, 3);
        }
}
