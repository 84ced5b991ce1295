/* seam_fade.c - adding what the decoder misses, fading; see seam_fade.h. */
#include "pipeline/seam_fade.h"

#include <math.h>
#include <stdlib.h>

double take_picture_difference(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum += (uint64_t)abs(a[i] - b[i]);
    return (double)sum / (double)bytes;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double take_median(double *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

double take_usual_change(const uint8_t *frames, int64_t count, size_t bytes)
{
    double *change = count > 1 ? malloc((size_t)(count - 1) * sizeof *change) : NULL;
    if (!change)
        return -1;
    for (int64_t i = 1; i < count; i++)
        change[i - 1] = take_picture_difference(frames + (size_t)i * bytes,
                                                frames + (size_t)(i - 1) * bytes, bytes);
    const double median = take_median(change, count - 1);
    free(change);
    return median;
}

static uint8_t clamp8(int v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Grey levels: what noise makes, and how many more are another thing. */
enum { SURELY_STILL = 8, STILL = 32 };

/* Of STILL: how much of a value is still what the reference's last frame showed there. */
static int stillness(uint8_t value, uint8_t decoded)
{
    const int moved = abs(value - decoded) - SURELY_STILL;
    return moved < 0 ? STILL : moved > STILL ? 0 : STILL - moved;
}

static void fade_decoder_error(const uint8_t *shown, const uint8_t *decoded, uint8_t *frames,
                               int64_t count, size_t bytes)
{
    for (int k = 0; k < count && k < TAKE_FADE_FRAMES; k++) {
        uint8_t *frame = frames + (size_t)k * bytes;
        for (size_t i = 0; i < bytes; i++) {
            const int share = (TAKE_FADE_FRAMES - k) * stillness(frame[i], decoded[i]);
            frame[i] =
                clamp8(frame[i] + (shown[i] - decoded[i]) * share / (TAKE_FADE_FRAMES * STILL));
        }
    }
}

/* Frames until the way from `shown` to the first frame is gone, in steps of `usual_change`. */
static int steps_of_way(const uint8_t *shown, const uint8_t *first, size_t bytes,
                        double usual_change)
{
    const double way = take_picture_difference(shown, first, bytes);
    if (usual_change < 0 || way <= usual_change)
        return 1;
    return way < TAKE_DISSOLVE_FRAMES * usual_change ? (int)ceil(way / usual_change)
                                                     : TAKE_DISSOLVE_FRAMES;
}

int take_seam_fade(const uint8_t *shown, const uint8_t *decoded, uint8_t *frames, int64_t count,
                   size_t bytes, double usual_change)
{
    fade_decoder_error(shown, decoded, frames, count, bytes);
    const int steps = steps_of_way(shown, frames, bytes, usual_change);
    for (int k = steps - 2; k >= 0; k--) { /* the first frame last: all others need it as it was */
        uint8_t *frame = frames + (size_t)k * bytes;
        for (size_t i = 0; i < bytes && k < count; i++)
            frame[i] = clamp8(frame[i] + (shown[i] - frames[i]) * (steps - 1 - k) / steps);
    }
    return steps - 1;
}

int take_seam_dissolve(const uint8_t *shown, uint8_t *frames, int64_t count, size_t bytes,
                       double usual_change)
{
    const int needed = steps_of_way(shown, frames, bytes, usual_change);
    const int steps = needed < TAKE_FADE_FRAMES + 1 ? TAKE_FADE_FRAMES + 1 : needed;
    for (int k = 0; k < steps - 1 && k < count; k++) {
        uint8_t *frame = frames + (size_t)k * bytes;
        for (size_t i = 0; i < bytes; i++)
            frame[i] = (uint8_t)(frame[i] + (shown[i] - frame[i]) * (steps - 1 - k) / steps);
    }
    return steps - 1;
}
