/* shot_times.c - shots -> the segments and windows that they begin in; see shot_times.h. */
#include "pipeline/shot_times.h"

#include <stdio.h>

int64_t take_shot_plan_frame(const take_spec *s, int shot)
{
    const int64_t segment = take_segment_of_change(&s->time, s->shot[shot].at_frame);
    const int64_t frame = segment * s->time.segment * TAKE_FRAMES_PER_LATENT;
    return frame < s->time.frames ? frame : -1;
}

int64_t take_shot_picture_frame(const take_spec *s, int shot)
{
    const take_window w = take_window_at(&s->time, take_window_of_change(&s->time, s->shot[shot].at_frame));
    return w.first_frame < s->time.frames ? w.first_frame : -1;
}

/* When `shot` takes effect: at `frame`, in the segment or window of that index, which is that of the shot `owner`. */
static void describe(const take_spec *s, int shot, int64_t frame, const char *unit, int64_t index, int owner, char *text,
                     size_t bytes)
{
    if (frame < 0)
        snprintf(text, bytes, "never, the take ends before");
    else if (owner != shot)
        snprintf(text, bytes, "never, %s %lld is of shot %d", unit, (long long)index, owner);
    else
        snprintf(text, bytes, "from %.1f s, %s %lld", (double)frame / s->fps, unit, (long long)index);
}

void take_shot_line(const take_spec *s, int shot, char text[TAKE_SHOT_LINE_BYTES])
{
    const int64_t at = s->shot[shot].at_frame;
    char plan[80];
    char pictures[80];
    const int64_t segment = take_segment_of_change(&s->time, at);
    const int64_t window = take_window_of_change(&s->time, at);
    describe(s, shot, take_shot_plan_frame(s, shot), "segment", segment, take_shot_of_segment(s, segment), plan, sizeof plan);
    describe(s, shot, take_shot_picture_frame(s, shot), "window", window, take_shot_of_window(s, window), pictures, sizeof pictures);
    snprintf(text, TAKE_SHOT_LINE_BYTES, "shot %d (%.1f s): plan %s; refined by its prompt %s", shot, (double)at / s->fps,
             plan, pictures);
}
