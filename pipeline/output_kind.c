/* output_kind.c - extension and --format -> kind; see output_kind.h. */
#include "pipeline/output_kind.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/core/temporary_file.h"
#include "pipeline/descriptor_link.h"
#include "pipeline/file_name.h"

static const struct {
    const char *name; /* of --format, and the extension */
    take_output_kind kind;
    take_writes writer;
    media_format format; /* of video */
} kinds[] = {
    {"mp4", TAKE_OUT_MP4, TAKE_WRITES_VIDEO, MEDIA_MP4},
    {"mov", TAKE_OUT_MOV, TAKE_WRITES_VIDEO, MEDIA_MOV},
    {"webm", TAKE_OUT_WEBM, TAKE_WRITES_VIDEO, MEDIA_WEBM},
    {"mkv", TAKE_OUT_MKV, TAKE_WRITES_VIDEO, MEDIA_MKV},
    {"y4m", TAKE_OUT_Y4M, TAKE_WRITES_VIDEO, MEDIA_Y4M},
    {"webp", TAKE_OUT_WEBP, TAKE_WRITES_VIDEO, MEDIA_WEBP},
    {"png", TAKE_OUT_PNG, TAKE_WRITES_VIDEO, MEDIA_PNG},
    {"lt", TAKE_OUT_LT, TAKE_WRITES_TOKENS, MEDIA_MP4},
    {"npy", TAKE_OUT_NPY, TAKE_WRITES_TOKENS, MEDIA_MP4},
    {"latents", TAKE_OUT_LATENTS, TAKE_WRITES_LATENTS, MEDIA_MP4},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* The same in words: all of what a command writes, and of videos those that can be streams. */
static const char any_video[] = "mp4, mov, webm, mkv, y4m, webp or png";
static const char any_stream[] = "mp4, mov, webm, mkv or y4m";

media_format take_format_of(take_output_kind kind)
{
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].format;
    return MEDIA_MP4;
}

const media_kind *take_video_of(take_output_kind kind)
{
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind && kinds[i].writer == TAKE_WRITES_VIDEO)
            return media_kind_of(kinds[i].format);
    return NULL;
}

/* Index of a kind by name, or -1. */
static int kind_at(const char *name)
{
    for (int i = 0; i < KINDS; i++)
        if (strcasecmp(kinds[i].name, name) == 0)
            return i;
    return -1;
}

const media_kind *take_video_named(const char *output)
{
    const char *extension = take_extension(output);
    const int kind = extension ? kind_at(extension) : -1;
    return kind < 0 ? NULL : take_video_of(kinds[kind].kind);
}

static const char *wanted(take_writes w)
{
    return w == TAKE_WRITES_VIDEO ? any_video : w == TAKE_WRITES_TOKENS ? "lt or npy" : "latents";
}

static take_output_kind standard_kind(take_writes w)
{
    return w == TAKE_WRITES_VIDEO    ? TAKE_OUT_MP4
           : w == TAKE_WRITES_TOKENS ? TAKE_OUT_LT
                                     : TAKE_OUT_LATENTS;
}

/* Can a file be made there? What the folder's permissions say is not all:
 * some file systems take none. */
static lt_status try_to_write(const char *flag, const char *path, lt_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a device, a pipe: written as it is */
        return LT_OK;
    char *temporary = lt_temporary_name(path);
    if (!temporary)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    const int fd = lt_temporary_create(temporary);
    /* said by what writes, with its own code */
    const bool full = fd < 0 && (errno == ENOSPC || errno == EDQUOT);
    const lt_status s = fd >= 0 || full ? LT_OK
                                        : lt_fail(err, LT_ERR_USAGE, "%s: %s cannot be written: %s",
                                                  flag, path, strerror(errno));
    if (fd >= 0) {
        close(fd);
        (void)unlink(temporary);
    }
    free(temporary);
    return s;
}

lt_status take_name_check(const char *flag, const char *path, lt_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return LT_OK;
    if (S_ISDIR(st.st_mode))
        return lt_fail(err, LT_ERR_USAGE, "%s: %s is a folder, expected a file", flag, path);
    if (S_ISREG(st.st_mode) && take_is_descriptor(path))
        return lt_fail(
            err, LT_ERR_USAGE,
            "%s: %s leads to a file that is open already, expected a pipe, or the name of a file\nhint: -o - writes to standard output",
            flag, path);
    return LT_OK;
}

lt_status take_folder_check(const char *flag, const char *path, lt_error *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *bare = strndup(path, length);
    char *folder = bare ? take_folder_name(bare) : NULL;
    free(bare);
    if (!folder)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    const bool ok = access(folder, W_OK | X_OK) == 0;
    const lt_status s =
        ok ? try_to_write(flag, path, err)
           : lt_fail(err, LT_ERR_USAGE, "%s: folder %s: %s", flag, folder, strerror(errno));
    free(folder);
    return s;
}

lt_status take_place_check(const char *flag, const char *path, lt_error *err)
{
    LT_TRY(take_name_check(flag, path, err));
    return take_is_descriptor(path) ? LT_OK : take_folder_check(flag, path, err);
}

static lt_status refuse_extension(const char *output, const char *extension, take_writes writes,
                                  lt_error *err)
{
    static const char *const standard[] = {[TAKE_WRITES_VIDEO] = "mp4",
                                           [TAKE_WRITES_TOKENS] = "lt",
                                           [TAKE_WRITES_LATENTS] = "latents"};
    const char *s = standard[writes];
    if (extension)
        return lt_fail(err, LT_ERR_USAGE, "--output: found the extension \"%s\", expected %s",
                       extension, wanted(writes));
    return lt_fail(err, LT_ERR_USAGE,
                   "--output: found the extension \"\", expected %s\nhint: %s.%s, or --format %s",
                   wanted(writes), output, s, s);
}

/* A pipe takes one file, written from its beginning to its end. */
static lt_status check_stream(const char *output, take_output_kind kind, lt_error *err)
{
    const media_kind *video = take_video_of(kind);
    if (!video || video->streams || !take_is_stream(output))
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE,
                   "--output %s: found %s, which cannot be a stream, expected %s", output,
                   video->name, any_stream);
}

lt_status take_output_of(const longtake_request *r, take_writes writes, take_output_kind *out,
                         lt_error *err)
{
    *out = TAKE_OUT_NONE;
    const int asked = r->format ? kind_at(r->format) : -1;
    if (r->format && asked < 0)
        return lt_fail(err, LT_ERR_USAGE, "--format: found \"%s\", expected %s", r->format,
                       wanted(writes));
    if (asked >= 0 && kinds[asked].writer != writes)
        return lt_fail(err, LT_ERR_USAGE, "--format: found %s, this command writes %s", r->format,
                       wanted(writes));
    if (!r->output)
        return LT_OK;
    if (strcmp(r->output, "-") == 0) {
        *out = asked >= 0 ? kinds[asked].kind : standard_kind(writes);
        return check_stream(r->output, *out, err);
    }
    const char *extension = take_extension(r->output);
    const int named = extension ? kind_at(extension) : -1;
    if (named < 0 && asked < 0 && take_look_into(r->output) != TAKE_FOLDER_MISSING)
        return take_place_check("--output", r->output, err);
    if (named < 0 && asked < 0)
        return refuse_extension(r->output, extension, writes, err);
    if (named >= 0 && asked >= 0 && named != asked)
        return lt_fail(err, LT_ERR_USAGE, "--output %s and --format %s: they contradict each other",
                       r->output, r->format);
    const int kind = asked >= 0 ? asked : named;
    if (kinds[kind].writer != writes)
        return lt_fail(err, LT_ERR_USAGE,
                       "--output: found the extension \"%s\", this command writes %s",
                       extension ? extension : "", wanted(writes));
    *out = kinds[kind].kind;
    LT_TRY(check_stream(r->output, *out, err));
    return take_place_check("--output", r->output, err);
}

take_folder take_look_into(const char *path)
{
    DIR *const folder = opendir(path);
    if (!folder)
        return TAKE_FOLDER_MISSING;
    int names = 0;
    while (names <= 2 && readdir(folder))
        names++;
    closedir(folder);
    return names == 2 ? TAKE_FOLDER_EMPTY : TAKE_FOLDER_FILLED; /* "." and ".." */
}
