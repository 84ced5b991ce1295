/* take_places.c - see take_places.h. */
#include "pipeline/take_places.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "media/video_file.h"
#include "pipeline/descriptor_link.h"
#include "pipeline/file_name.h"
#include "pipeline/preview/take_preview.h"
#include "pipeline/take_video.h"

struct take_place {
    take_place_kind kind;
    char *path;
    const char *name; /* inside `path`: the file's own where it is not there; else "" */
    dev_t device;     /* of the file, or of its folder; 0 where that is not there either, */
    ino_t inode;
};

static const struct {
    const char *flag;
    const char *what;
    /* a rename or a new file takes the place of what is there, and must find a plain file or
     * nothing */
    bool is_renamed_to;
} kinds[] = {
    [TAKE_PLACE_SOURCE] = {"--input", "which this take is made from", false},
    [TAKE_PLACE_OUTPUT] = {"--output", "the output", false},
    [TAKE_PLACE_PICTURE] = {"--output", "a picture of the output", true},
    [TAKE_PLACE_GROWING] = {"--output", "the output while it grows", true},
    [TAKE_PLACE_PLAN] = {"--output", "a plan", false},
    [TAKE_PLACE_PREVIEW] = {"--preview", "a preview", false},
    [TAKE_PLACE_SHEET] = {"--preview", "the sheet", false},
    [TAKE_PLACE_JOB] = {"--job", "the job folder", false},
};

/* ---- where a file is ---- */

/* What is written as it is, as often as one likes, and keeps nothing. */
static bool is_bottomless(const struct stat *st)
{
    return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) || S_ISSOCK(st->st_mode);
}

static void find_in_folder(take_place *at)
{
    struct stat st;
    char *folder = take_folder_name(at->path);
    const char *slash = strrchr(at->path, '/');
    at->name = at->path;
    if (folder && stat(folder, &st) == 0) {
        at->name = slash ? slash + 1 : at->path;
        at->device = st.st_dev;
        at->inode = st.st_ino;
    }
    free(folder);
}

/* False for what is nobody's place. */
static bool find(take_place *at)
{
    struct stat st;
    if (strcmp(at->path, "-") == 0)
        return false;
    if (stat(at->path, &st) != 0) {
        find_in_folder(at);
        return true;
    }
    at->name = "";
    at->device = st.st_dev;
    at->inode = st.st_ino;
    return !is_bottomless(&st) || kinds[at->kind].is_renamed_to;
}

static bool make_room(take_places *p)
{
    if (p->count < p->room)
        return true;
    const size_t room = p->room ? 2 * p->room : 8;
    take_place *grown = realloc(p->place, room * sizeof *grown);
    if (!grown)
        return false;
    p->place = grown;
    p->room = room;
    return true;
}

void take_places_add(take_places *p, take_place_kind kind, char *path)
{
    take_place at = {.kind = kind, .path = path};
    p->memory_is_out = p->memory_is_out || !path || !make_room(p);
    if (p->memory_is_out || !find(&at)) {
        free(path);
        return;
    }
    p->place[p->count++] = at;
}

static void add_source(take_places *p, const char *path)
{
    if (path)
        take_places_add(p, TAKE_PLACE_SOURCE, strdup(path));
}

void take_places_read(take_places *p, const longtake_request *r)
{
    add_source(p, r->input);
    add_source(p, r->image);
    for (size_t i = 0; i < r->shot_count; i++)
        add_source(p, r->shots[i].plan);
}

/* ---- are they all apart? ---- */

static int compare_places(const take_place *a, const take_place *b)
{
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int compare(const void *x, const void *y)
{
    const take_place *a = x;
    const take_place *b = y;
    const int order = compare_places(a, b);
    return order != 0 ? order : (int)a->kind - (int)b->kind;
}

/* Can what is there be written, or replaced? */
static lt_status check_place(const take_place *at, lt_error *err)
{
    struct stat st;
    const char *flag = kinds[at->kind].flag;
    if (at->kind == TAKE_PLACE_SOURCE || at->kind == TAKE_PLACE_JOB)
        return LT_OK;
    LT_TRY(take_name_check(flag, at->path, err));
    if (kinds[at->kind].is_renamed_to && stat(at->path, &st) == 0 && !S_ISREG(st.st_mode))
        return lt_fail(
            err, LT_ERR_USAGE,
            "%s: %s is a pipe or device, expected a plain file or none: %s takes its place", flag,
            at->path, kinds[at->kind].what);
    return LT_OK;
}

/* Only what a take left that was not finished gives way to one that grows. */
static lt_status check_growing(const take_place *at, lt_error *err)
{
    if (at->kind != TAKE_PLACE_GROWING || media_may_grow(at->path))
        return LT_OK;
    return lt_fail(
        err, LT_ERR_USAGE,
        "%s: found %s, expected no such file: the video has that name while it grows, and would replace it"
        "\nhint: give the output another name, or move that file",
        kinds[at->kind].flag, at->path);
}

/* Several of one kind may be names of one file: each gets a file of its own. */
static lt_status check_apart(const take_place *first, const take_place *second, lt_error *err)
{
    if (first->kind == second->kind || compare_places(first, second) != 0)
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "%s: found %s, %s, expected another file",
                   kinds[second->kind].flag, second->path, kinds[first->kind].what);
}

static lt_status check_all(take_places *p, lt_error *err)
{
    if (p->memory_is_out)
        return lt_fail(err, LT_ERR_RESOURCES, "output: out of memory for its names");
    for (size_t i = 0; i < p->count; i++)
        LT_TRY(check_place(&p->place[i], err));
    if (p->count > 0)
        qsort(p->place, p->count, sizeof *p->place, compare);
    for (size_t i = 1; i < p->count; i++)
        LT_TRY(check_apart(&p->place[i - 1], &p->place[i], err));
    for (size_t i = 0; i < p->count; i++)
        LT_TRY(check_growing(&p->place[i], err));
    return LT_OK;
}

lt_status take_places_end(take_places *p, lt_error *err)
{
    const lt_status s = check_all(p, err);
    for (size_t i = 0; i < p->count; i++)
        free(p->place[i].path);
    free(p->place);
    *p = (take_places){0};
    return s;
}

/* ---- a take ---- */

static void add_output(take_places *p, const char *output, take_output_kind kind, int64_t frames)
{
    const media_kind *video = take_video_of(kind);
    const bool many_files = video && video->many_files;
    for (int64_t i = 0; many_files && i < frames; i++)
        take_places_add(p, TAKE_PLACE_PICTURE, media_png_name(output, i));
    if (!many_files)
        take_places_add(p, TAKE_PLACE_OUTPUT, strdup(output));
    if (video && video->grows)
        take_places_add(p, TAKE_PLACE_GROWING, take_growing_name(output));
}

static void add_preview(take_places *p, const char *preview, int64_t windows)
{
    const int64_t files = take_preview_is_folder(preview) ? windows : 1;
    for (int64_t c = 0; c < files; c++)
        take_places_add(p, TAKE_PLACE_PREVIEW, take_preview_name(preview, c));
}

lt_status take_places_check(const longtake_request *r, take_output_kind kind, int64_t frames,
                            int64_t windows, lt_error *err)
{
    take_places p = {0};
    take_places_read(&p, r);
    if (r->output && !take_is_stream(r->output))
        add_output(&p, r->output, kind, frames);
    if (r->preview)
        add_preview(&p, r->preview, windows);
    if (r->job)
        take_places_add(&p, TAKE_PLACE_JOB, strdup(r->job));
    return take_places_end(&p, err);
}
