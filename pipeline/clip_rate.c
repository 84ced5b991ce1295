/* clip_rate.c - see clip_rate.h. */
#include "pipeline/clip_rate.h"

#include <string.h>

#include "pipeline/script/recipe.h"
#include "pipeline/take_settings.h"

void take_read_at_clip_rate(media_reader *reader, double fps)
{
    const media_video_info *clip = media_reader_info(reader);
    lt_json *about = NULL;
    double rate = fps;
    lt_error ignored = {0};
    if (clip->comment && !clip->written_again &&
        lt_json_parse(clip->comment, strlen(clip->comment), "metadata", &about, &ignored) == LT_OK)
        rate = take_about_rate(about, fps);
    lt_json_free(about);
    media_reader_read_at(reader,
                         take_setting_check(NULL, "fps", rate, &ignored) == LT_OK ? rate : fps);
}
