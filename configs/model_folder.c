#include "configs/model_folder.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/core/utf8.h"

static bool is_there(const char *path)
{
    struct stat s;
    return path != NULL && stat(path, &s) == 0;
}

static bool is_folder(const char *path)
{
    struct stat s;
    return path != NULL && stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static char *format_path(const char *format, ...) LT_PRINTF(1, 2);

static char *format_path(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *path = NULL;
    const int length = vasprintf(&path, format, args);
    va_end(args);
    return length < 0 ? NULL : path;
}

/* `path` when `found` says so, else NULL and freed. */
static char *keep_if(char *path, bool found)
{
    if (found)
        return path;
    free(path);
    return NULL;
}

/* "models/mini/" -> "mini" */
static char *last_part(const char *folder)
{
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && folder[begin - 1] != '/')
        begin--;
    return strndup(folder + begin, end - begin);
}

static bool looks_like_a_folder(const char *model)
{
    return strchr(model, '/') != NULL || strcmp(model, ".") == 0 || strcmp(model, "..") == 0;
}

static void find_folder(const char *model, const char *const *roots, cfg_model_files *out)
{
    for (int i = 0; roots[i] != NULL && out->folder == NULL && !looks_like_a_folder(model); i++) {
        char *path = format_path("%s/models/%s", roots[i], model);
        out->folder = keep_if(path, is_folder(path));
    }
    if (out->folder == NULL && is_folder(model))
        out->folder = strdup(model);
}

static void find_config(const char *model, const char *const *roots, cfg_model_files *out)
{
    if (out->folder != NULL) {
        char *path = format_path("%s/config.yaml", out->folder);
        out->config = keep_if(path, is_there(path));
    }
    /* models/ and configs/ side by side, as in a root */
    if (out->folder != NULL && out->config == NULL && looks_like_a_folder(model)) {
        char *path = format_path("%s/../../configs/%s.yaml", out->folder, out->name);
        out->config = keep_if(path, is_there(path));
    }
    for (int i = 0; roots[i] != NULL && out->config == NULL; i++) {
        char *path = format_path("%s/configs/%s.yaml", roots[i], out->name);
        out->config = keep_if(path, is_there(path));
    }
}

static lt_status fail_missing(const char *model, const char *const *roots,
                              const cfg_model_files *found, lt_error *err)
{
    char places[512] = "";
    for (int i = 0; roots[i] != NULL; i++) {
        const size_t used = strlen(places);
        snprintf(places + used, sizeof places - used, "%s%s", i > 0 ? ", " : "", roots[i]);
    }
    const char *where = roots[0] != NULL ? places : "any folder that is known";
    if (found->folder != NULL)
        return lt_fail(err, LT_ERR_INPUT,
                       "model '%s': no config.yaml in %s and no configs/%s.yaml %sin %s", model,
                       found->folder, found->name,
                       looks_like_a_folder(model) ? "two folders above it or " : "", where);
    if (looks_like_a_folder(model))
        return lt_fail(err, LT_ERR_INPUT, "model '%s': no such folder", model);
    return lt_fail(err, LT_ERR_INPUT,
                   "model '%s': no models/%s and no configs/%s.yaml in %s, and no such folder here",
                   model, model, model, where);
}

lt_status cfg_find_model(const char *model, const char *config, const char *const *roots,
                         cfg_model_files *out, lt_error *err)
{
    *out = (cfg_model_files){.name = last_part(model)};
    if (out->name == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "model '%s': out of memory", model);
    find_folder(model, roots, out);
    const bool wrong_folder = out->folder == NULL && looks_like_a_folder(model);
    if (!wrong_folder)
        find_config(model, roots, out);
    const bool is_found = out->config != NULL || (config != NULL && out->folder != NULL);
    if (is_found && config != NULL) {
        free(out->config);
        out->config = strdup(config);
    }
    lt_make_utf8(out->name); /* files tell of it */
    if (out->config != NULL)
        return LT_OK;
    const lt_status s = is_found
                            ? lt_fail(err, LT_ERR_RESOURCES, "model '%s': out of memory", model)
                            : fail_missing(model, roots, out, err);
    cfg_model_files_close(out);
    return s;
}

void cfg_model_files_close(cfg_model_files *files)
{
    free(files->name);
    free(files->config);
    free(files->folder);
    *files = (cfg_model_files){0};
}

lt_status cfg_model_file(const cfg_model_files *files, const char *file, char **path, lt_error *err)
{
    *path = NULL;
    if (files->folder == NULL)
        return lt_fail(
            err, LT_ERR_INPUT,
            "model '%s': %s is here, its weights are not\nhint: 'longtake import' makes a model folder",
            files->name, files->config);
    *path = format_path("%s/%s", files->folder, file);
    return *path != NULL ? LT_OK
                         : lt_fail(err, LT_ERR_RESOURCES, "model '%s': out of memory", files->name);
}
