/* take_seam.c - see take_seam.h. */
#include "pipeline/take_seam.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/seam_fade.h"

enum { SEAM_REACH = 8 }; /* frames on either side of a window border */

lt_status take_changes_open(take_changes *c, int64_t frames, size_t frame_bytes, lt_error *err)
{
    *c = (take_changes){.frame_bytes = frame_bytes,
                        .change = calloc((size_t)frames, sizeof *c->change),
                        .last = malloc(frame_bytes),
                        .last_at = -1};
    return c->change && c->last ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "seams: out of memory");
}

void take_changes_close(take_changes *c)
{
    free(c->change);
    free(c->last);
    *c = (take_changes){.last_at = -1};
}

void take_changes_saw(take_changes *c, int64_t first, int64_t count, const uint8_t *frames)
{
    const uint8_t *before = first > 0 && c->last_at == first - 1 ? c->last : NULL;
    if (count < 1)
        return;
    assert(c->last && frames);
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *now = frames + (size_t)i * c->frame_bytes;
        if (before)
            c->change[first + i] = take_picture_difference(now, before, c->frame_bytes);
        before = now;
    }
    take_changes_get_last(c, first + count - 1, before);
}

size_t take_changes_bytes(int64_t count)
{
    return (size_t)count * sizeof(double);
}

void take_changes_put(const take_changes *c, int64_t first, int64_t count, void *out)
{
    memcpy(out, c->change + first, take_changes_bytes(count));
}

void take_changes_get(take_changes *c, int64_t first, int64_t count, const void *in)
{
    memcpy(c->change + first, in, take_changes_bytes(count));
}

void take_changes_put_last(const take_changes *c, void *out)
{
    memcpy(out, c->last, c->frame_bytes);
}

void take_changes_get_last(take_changes *c, int64_t at, const void *in)
{
    memcpy(c->last, in, c->frame_bytes);
    c->last_at = at;
}

static double seam_at(const take_changes *c, const take_timeline *time, int64_t frame)
{
    double near[2 * SEAM_REACH];
    int n = 0;
    for (int64_t i = frame - SEAM_REACH; i <= frame + SEAM_REACH; i++)
        if (i != frame && i > 0 && i < time->frames && c->change[i] > 0)
            near[n++] = c->change[i];
    if (n == 0 || c->change[frame] <= 0)
        return 0;
    return c->change[frame] / take_median(near, n);
}

double take_seam_before(const take_changes *c, const take_timeline *time, int64_t window)
{
    const take_window w = take_window_at(time, window);
    return w.delivered > 0 ? seam_at(c, time, w.first_frame) : 0;
}

take_seam take_worst_seam(const take_changes *c, const take_timeline *time)
{
    take_seam worst = {.seam_window = -1};
    for (int64_t window = 0; window < time->windows; window++) {
        const double seam = take_seam_before(c, time, window);
        if (seam > worst.worst_seam)
            worst = (take_seam){seam, window};
    }
    return worst;
}
