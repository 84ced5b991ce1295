/* clip_rate.c - see clip_rate.h. */
#include "pipeline/clip_rate.h"

#include <string.h>

#include "pipeline/script/recipe.h"
#include "pipeline/take_settings.h"

lt_json *take_clip_about(const media_video_info *clip)
{
    lt_json *about = NULL;
    lt_error ignored = {0};
    if (clip->comment && !clip->written_again)
        (void)lt_json_parse(clip->comment, strlen(clip->comment), "metadata", &about, &ignored);
    return about;
}

void take_read_at_clip_rate(media_reader *reader, const lt_json *about, double fps)
{
    lt_error ignored = {0};
    const double rate = about ? take_about_rate(about, fps) : fps;
    media_reader_read_at(reader,
                         take_setting_check(NULL, "fps", rate, &ignored) == LT_OK ? rate : fps);
}
