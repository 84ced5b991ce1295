/* take_preview.c - previews of windows; see take_preview.h. */
#include "pipeline/preview/take_preview.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/core/file_error.h"
#include "media/video_file.h"
#include "media/window_encoder.h"
#include "pipeline/file_name.h"
#include "pipeline/frame_sizes.h"
#include "pipeline/output_kind.h"

/* A cell of the latent is two pixels wide and high: there is no more to
 * see, and the player enlarges. */
enum { CELL_PIXELS = 2, PATH_BYTES = 4096 };

/* "pictures/" is a folder, whether it is there or not yet. */
static bool is_named_as_folder(const char *path)
{
    const size_t n = strlen(path);
    return n > 1 && path[n - 1] == '/';
}

bool take_preview_is_folder(const char *preview)
{
    struct stat st;
    return is_named_as_folder(preview) || (stat(preview, &st) == 0 && S_ISDIR(st.st_mode));
}

char *take_preview_name(const char *preview, int64_t c)
{
    char *name = NULL;
    if (!take_preview_is_folder(preview))
        return strdup(preview);
    const char *slash = preview[strlen(preview) - 1] == '/' ? "" : "/";
    return asprintf(&name, "%s%swindow-%03lld.mp4", preview, slash, (long long)c) < 0 ? NULL : name;
}

/* Not yet there, and its parent is. */
static lt_status check_new_folder(const char *path, lt_error *err)
{
    char bare[PATH_BYTES];
    const int n = snprintf(bare, sizeof bare, "%s", path);
    if (n >= PATH_BYTES)
        return lt_fail(err, LT_ERR_USAGE, "--preview: the name is longer than %d bytes",
                       PATH_BYTES - 1);
    for (int end = n; end > 1 && bare[end - 1] == '/'; end--)
        bare[end - 1] = '\0';
    struct stat st;
    if (stat(bare, &st) == 0)
        return lt_fail(err, LT_ERR_USAGE, "--preview: found %s, which is no folder", bare);
    return take_place_check("--preview", bare, err);
}

lt_status take_preview_check(const longtake_request *r, lt_error *err)
{
    struct stat st;
    if (!r->preview || (stat(r->preview, &st) == 0 && S_ISDIR(st.st_mode)))
        return LT_OK;
    if (is_named_as_folder(r->preview))
        return check_new_folder(r->preview, err);
    if (take_has_extension(r->preview, "mp4"))
        return take_place_check("--preview", r->preview, err);
    return lt_fail(
        err, LT_ERR_USAGE,
        "--preview: found %s, expected an .mp4 file, or a folder: one that is there, or DIR/ to make it",
        r->preview);
}

static void tell_note(void *user, const char *line)
{
    take_clock_tell(user, LONGTAKE_EVENT_NOTE, line);
}

void take_preview_close(take_preview *p)
{
    free(p->frame);
    *p = (take_preview){0};
}

lt_status take_preview_open(take_preview *p, take_run *run, lt_error *err)
{
    const lt_warnings notes = {.warn = tell_note, .user = &run->clock};
    const cfg_mmdit *cfg = &run->engine->cfg.mmdit;
    const size_t cells = (size_t)cfg->latent_height * (size_t)cfg->latent_width;
    *p = (take_preview){.run = run, .frame = malloc(cells * CELL_PIXELS * CELL_PIXELS * 3)};
    if (!p->frame)
        return lt_fail(err, LT_ERR_RESOURCES, "preview: out of memory");
    return take_colour_map(run->engine, run->job, &notes, &p->map, err);
}

/* ---- pictures ---- */

static lt_status write_file(const char *path, const void *blob, size_t bytes, lt_error *err)
{
    const media_target target = {.kind = MEDIA_FINISHED, .path = path, .as_mp4 = true};
    media_file *file = NULL;
    LT_TRY(media_file_open(&target, &file, err));
    const lt_status s = media_file_add(file, blob, bytes, err);
    if (s != LT_OK) {
        media_file_abandon(file);
        return s;
    }
    return media_file_close(file, err);
}

static lt_status write_blob(take_run *run, int64_t c, const void *blob, size_t bytes, lt_error *err)
{
    const char *preview = run->request->preview;
    if (is_named_as_folder(preview) && mkdir(preview, 0777) != 0 && errno != EEXIST)
        return lt_fail_to_write(preview, err);
    char *path = take_preview_name(preview, c);
    if (!path)
        return lt_fail(err, LT_ERR_RESOURCES, "preview: out of memory");
    const lt_status s = write_file(path, blob, bytes, err);
    if (s == LT_OK)
        take_clock_tell(&run->clock, LONGTAKE_EVENT_PREVIEW, path);
    free(path);
    return s;
}

lt_status take_preview_show(take_preview *p, int64_t c, const float *latents, int count,
                            lt_error *err)
{
    const cfg_model *cfg = &p->run->engine->cfg;
    const int64_t values = take_latent_values(&cfg->mmdit);
    const media_spec spec = {.format = MEDIA_MP4,
                             .width = CELL_PIXELS * cfg->mmdit.latent_width,
                             .height = CELL_PIXELS * cfg->mmdit.latent_height,
                             .scale = 1,
                             .fps = p->run->spec.fps / TAKE_FRAMES_PER_LATENT};
    const latent_picture picture = {.rgb = p->frame,
                                    .width = spec.width,
                                    .height = spec.height,
                                    .row_bytes = 3 * (size_t)spec.width};
    media_encoder *e = NULL;
    void *blob = NULL;
    size_t bytes = 0;
    LT_TRY(media_encoder_open(&spec, &e, err));
    for (int i = 0; i < count; i++) {
        lt_status s = latent_colours_paint(&p->map, latents + i * values, cfg->mmdit.latent_height,
                                           cfg->mmdit.latent_width, &picture, err);
        if (s == LT_OK)
            s = media_encoder_add(e, p->frame, err);
        if (s != LT_OK) {
            media_encoder_close(e);
            return s;
        }
    }
    LT_TRY(media_encoder_finish(e, &blob, &bytes, err));
    const lt_status s = write_blob(p->run, c, blob, bytes, err);
    free(blob);
    return s;
}

lt_status take_preview_replace(take_run *run, int64_t c, const void *blob, size_t bytes,
                               lt_error *err)
{
    return run->request->preview && blob ? write_blob(run, c, blob, bytes, err) : LT_OK;
}
