/* timeline.c - arithmetic of the time grid; see timeline.h. */
#include "pipeline/timeline.h"

#include <stdio.h>

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

const char *take_windows_named(int64_t first, int64_t last, char text[TAKE_WINDOWS_BYTES])
{
    if (first == last)
        snprintf(text, TAKE_WINDOWS_BYTES, "window %lld", (long long)first);
    else
        snprintf(text, TAKE_WINDOWS_BYTES, "windows %lld to %lld", (long long)first,
                 (long long)last);
    return text;
}

int64_t take_latents_of_frames(int64_t frames)
{
    return 1 + ceil_div(frames - 1, TAKE_FRAMES_PER_LATENT);
}

int64_t take_frames_of_latents(int64_t latents)
{
    return TAKE_FRAMES_PER_LATENT * (latents - 1) + 1;
}

/* Windows that reach the take's last frame, given where window 0 begins and what it knows. */
static take_timeline fill_windows(take_timeline t)
{
    const int64_t needed = take_latents_of_frames(t.frames) - t.base;
    const int stride = t.window - t.overlap;
    const int64_t more = needed > t.window ? ceil_div(needed - t.window, stride) : 0;
    t.windows = 1 + more;
    t.latents = t.base + t.window + stride * more;
    t.segments = ceil_div(t.latents, t.segment);
    return t;
}

take_timeline take_timeline_of(int64_t frames, int window, int overlap, int segment)
{
    return fill_windows((take_timeline){
        .frames = frames, .window = window, .overlap = overlap, .segment = segment});
}

take_timeline take_timeline_after(int64_t reference, int64_t frames, int window, int overlap,
                                  int segment)
{
    const int known = reference < overlap ? (int)reference : overlap;
    return fill_windows((take_timeline){.frames = frames,
                                        .window = window,
                                        .overlap = overlap,
                                        .segment = segment,
                                        .base = reference - known,
                                        .first_known = known});
}

take_window take_window_at(const take_timeline *t, int64_t index)
{
    const int stride = t->window - t->overlap;
    take_window w = {.first_latent = t->base + stride * index,
                     .known = index == 0 ? t->first_known : t->overlap,
                     .latents = t->window};
    const int64_t first_new = w.first_latent + w.known;
    w.first_frame = first_new == 0 ? 0 : TAKE_FRAMES_PER_LATENT * first_new - 3;
    w.frames = take_frames_of_latents(w.first_latent + w.latents) - w.first_frame;
    const int64_t left = t->frames - w.first_frame;
    w.delivered = left < 0 ? 0 : left < w.frames ? left : w.frames;
    w.shown = (int)(take_latents_of_frames(w.first_frame + w.delivered) - w.first_latent);
    return w;
}

int take_segment_frames(const take_timeline *t, int64_t index)
{
    const int64_t left = t->latents - index * t->segment;
    return left < t->segment ? (int)left : t->segment;
}

int64_t take_segment_of_change(const take_timeline *t, int64_t at)
{
    return ceil_div(at, (int64_t)TAKE_FRAMES_PER_LATENT * t->segment);
}

int64_t take_window_of_change(const take_timeline *t, int64_t at)
{
    if (at <= take_window_at(t, 0).first_frame)
        return 0;
    /* New latents of window c >= 1 begin at latent base + stride c + overlap, g,
     * whose first frame is 4g - 3. */
    const int stride = t->window - t->overlap;
    const int64_t latent = ceil_div(at + 3, TAKE_FRAMES_PER_LATENT);
    const int64_t window = ceil_div(latent - t->base - t->overlap, stride);
    return window < 1 ? 1 : window;
}
