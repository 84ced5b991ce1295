/* take_video.c - growing and finished video files; see take_video.h. */
#include "pipeline/take_video.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/descriptor_link.h"
#include "pipeline/file_name.h"
#include "pipeline/take_reference.h"
#include "pipeline/take_report.h"

media_spec take_media_spec(const take_spec *s, take_output_kind kind)
{
    return (media_spec){.format = take_format_of(kind),
                        .width = s->width,
                        .height = s->height,
                        .scale = s->scale,
                        .fps = s->fps};
}

static lt_status make_comment(take_video *v, lt_error *err)
{
    if (v->run->request->no_metadata)
        return LT_OK;
    lt_json *about = take_about(v->run, err);
    if (!about)
        return err->code;
    v->comment = lt_json_text(about);
    lt_json_free(about);
    return v->comment ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "metadata: out of memory");
}

char *take_growing_name(const char *output)
{
    return take_name_with(output, ".part");
}

/* ---- the file ---- */

/* What is found under a descriptor's name is a pipe or device
 * (take_name_check), which is written as it is. */
static lt_status open_stream(take_video *v, lt_error *err)
{
    const char *output = v->run->request->output;
    const bool standard = strcmp(output, "-") == 0;
    const media_target target = {.kind = standard ? MEDIA_STREAM : MEDIA_FINISHED,
                                 .path = output,
                                 .fd = STDOUT_FILENO,
                                 .comment = v->comment};
    return media_file_open(&target, &v->growing, err);
}

lt_status take_video_open(take_video *v, take_run *run, take_output_kind kind, lt_error *err)
{
    *v = (take_video){.run = run, .kind = kind};
    if (kind == TAKE_OUT_NONE)
        return LT_OK;
    LT_TRY(make_comment(v, err));
    const char *output = run->request->output;
    if (take_is_stream(output))
        return open_stream(v, err);
    if (!take_video_of(kind)->grows)
        return LT_OK;
    v->growing_path = take_growing_name(output);
    if (!v->growing_path)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", output);
    const media_target target = {
        .kind = MEDIA_GROWING, .path = v->growing_path, .comment = v->comment};
    return media_file_open(&target, &v->growing, err);
}

lt_status take_video_add(take_video *v, const void *blob, size_t bytes, lt_error *err)
{
    if (!v->growing || !blob)
        return LT_OK;
    const lt_status s = media_file_add(v->growing, blob, bytes, err);
    if (s == LT_OK)
        v->playable = true;
    else if (v->growing_path && !v->playable) {
        media_file_discard(v->growing);
        v->growing = NULL;
    }
    return s;
}

/* Puts the finished file together from what is in the job folder, the reference's pictures first:
 * memory stays flat. */
static lt_status write_finished(take_video *v, take_decoder *d, lt_error *err)
{
    const media_target target = {
        .kind = MEDIA_FINISHED, .path = v->run->request->output, .comment = v->comment};
    const int64_t windows = v->run->spec.time.windows;
    take_reference *reference = v->run->request->new_only ? NULL : v->run->reference;
    const int64_t groups = reference ? take_reference_groups(reference) : 0;
    media_file *file = NULL;
    LT_TRY(media_file_open(&target, &file, err));
    take_clock_enter(&v->run->clock, TAKE_WRITE, 0, 1, groups + windows);
    for (int64_t i = 0; i < groups + windows; i++) {
        void *blob = NULL;
        size_t bytes = 0;
        lt_status s = i < groups ? take_reference_stored(reference, &d->spec, i, &blob, &bytes, err)
                                 : take_decode_stored(d, i - groups, &blob, &bytes, err);
        if (s == LT_OK && blob)
            s = media_file_add(file, blob, bytes, err);
        free(blob);
        if (s != LT_OK) {
            media_file_abandon(file);
            take_clock_leave(&v->run->clock);
            return s;
        }
        /* everything is made: who asks to stop now gets it */
        (void)take_clock_step(&v->run->clock, i + 1, 1, NULL);
    }
    const lt_status s = media_file_close(file, err);
    take_clock_leave(&v->run->clock);
    return s;
}

/* No file has the name that was asked for; and what an earlier, longer take left behind the last
 * picture is none of this one. */
static void tell_pictures(take_run *run)
{
    const int64_t pictures = take_delivered_frames(run);
    char *first = media_png_name(run->request->output, 0);
    char *last = media_png_name(run->request->output, pictures - 1);
    char *behind = media_png_name(run->request->output, pictures);
    if (first && last)
        take_note(run, "%lld picture%s: %s%s%s", (long long)pictures, pictures > 1 ? "s" : "",
                  first, pictures > 1 ? " to " : "", pictures > 1 ? last : "");
    if (behind && access(behind, F_OK) == 0)
        take_warn(run, "%s was there before: this take's pictures end before it", behind);
    free(first);
    free(last);
    free(behind);
}

lt_status take_video_finish(take_video *v, take_decoder *d, lt_error *err)
{
    if (v->kind == TAKE_OUT_NONE)
        return LT_OK;
    if (take_is_stream(v->run->request->output)) {
        media_file *stream = v->growing;
        v->growing = NULL;
        return media_file_close(stream, err);
    }
    LT_TRY(write_finished(v, d, err));
    media_file_discard(v->growing);
    v->growing = NULL;
    if (take_video_of(v->kind)->many_files)
        tell_pictures(v->run);
    return LT_OK;
}

void take_video_close(take_video *v)
{
    lt_error ignored = {0}; /* fragments play without what would stand behind them */
    const bool grew = v->growing;
    if (grew)
        media_file_close(v->growing, &ignored);
    if (grew && v->playable && !v->run->playable) {
        v->run->playable = v->growing_path;
        v->growing_path = NULL;
    }
    free(v->growing_path);
    free(v->comment);
    *v = (take_video){0};
}
