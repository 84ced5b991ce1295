/* clip_changes.c - see clip_changes.h. */
#include "pipeline/clip_changes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/plan/semantic_reader.h"

/* Which part of a clip the frames leave out, or what is around it. */
static const char *fit_words(const media_video_info *clip, media_fit fit)
{
    const int64_t wider =
        (int64_t)clip->seen_width * clip->height - (int64_t)clip->seen_height * clip->width;
    /* less is rounded away */
    const int64_t pixel =
        fit == MEDIA_COVER ? (wider > 0 ? clip->seen_height : clip->seen_width) : 1;
    if (fit == MEDIA_CROP)
        return clip->seen_width == clip->width && clip->seen_height == clip->height
                   ? ""
                   : " (the middle of it, see --fit)";
    if (llabs(wider) < pixel)
        return "";
    switch (fit) {
    case MEDIA_COVER:
        return wider > 0 ? " (the sides are cut, see --fit)"
                         : " (top and bottom are cut, see --fit)";
    case MEDIA_PAD:
        return wider > 0 ? " (black above and below, see --fit)"
                         : " (black at the sides, see --fit)";
    default:
        return " (stretched, see --fit)";
    }
}

void take_tell_changes(take_run *run, const char *path, const media_video_info *clip,
                       take_clip_use use)
{
    const bool size = clip->seen_width != clip->width || clip->seen_height != clip->height;
    const bool rate =
        !use.is_picture && clip->stored_fps > 0 && fabs(clip->stored_fps - clip->fps) > 1e-3;
    const double model_fps = run->engine->cfg.pipeline.fps;
    const bool frame_by_frame = clip->fps != model_fps;
    const bool sound = clip->has_sound && use.is_heard;
    const char *fitted = fit_words(clip, take_media_fit(run->spec.fit));
    char line[256] = "";
    if (size && rate)
        snprintf(line, sizeof line, "%dx%d at %.4g frames a second becomes %dx%d at %g%s",
                 clip->seen_width, clip->seen_height, clip->stored_fps, clip->width, clip->height,
                 clip->fps, fitted);
    else if (size)
        snprintf(line, sizeof line, "%dx%d becomes %dx%d%s", clip->seen_width, clip->seen_height,
                 clip->width, clip->height, fitted);
    else if (rate)
        snprintf(line, sizeof line, "%.4g frames a second become %g", clip->stored_fps, clip->fps);
    if (frame_by_frame)
        take_note(run, "%s: made with --fps %g: read frame by frame, as the model's %g", path,
                  clip->fps, model_fps);
    if (line[0] != '\0' || sound)
        take_note(run, "%s: %s%s%s", path, line, line[0] != '\0' && sound ? "; " : "",
                  sound ? "its sound is left out" : "");
}

void take_warn_of_damage(take_run *run, const char *path, const media_video_info *clip)
{
    if (clip->damaged > 0)
        take_warn(run, "%s: %lld picture%s damaged: what was missing is made up by the decoder",
                  path, (long long)clip->damaged, clip->damaged == 1 ? " is" : "s are");
}
