/* clip_rate.c - see clip_rate.h. */
#include "pipeline/clip_rate.h"

#include <string.h>
#include <sys/stat.h>

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

const char *take_read_once(const char *path)
{
    struct stat st;
    if (strcmp(path, "-") == 0)
        return "standard input";
    return stat(path, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? NULL
                                                                              : "a pipe or device";
}

/* What is read to learn its rate is read again later. */
static lt_status check_file(const char *path, lt_error *err)
{
    const char *once = take_read_once(path);
    if (!once)
        return LT_OK;
    return strcmp(path, "-") == 0
               ? lt_fail(err, LT_ERR_USAGE, "found %s, expected a file", once)
               : lt_fail(err, LT_ERR_USAGE, "%s: is %s, expected a file", path, once);
}

lt_status take_clip_fps(const char *path, double model_fps, double *fps, lt_error *err)
{
    const media_read_options whole = {.fps = model_fps};
    media_reader *reader = NULL;
    LT_TRY(check_file(path, err));
    LT_TRY(media_reader_open(path, &whole, &reader, err));
    lt_json *about = take_clip_about(media_reader_info(reader));
    take_read_at_clip_rate(reader, about, model_fps);
    *fps = media_reader_info(reader)->fps;
    lt_json_free(about);
    media_reader_close(reader);
    return LT_OK;
}
