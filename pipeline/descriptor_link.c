/* descriptor_link.c - links are followed one by one; see descriptor_link.h. */
#include "pipeline/descriptor_link.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/core/whole_file.h"
#include "pipeline/file_name.h"

enum { MOST_LINKS = 40 }; /* as many as Linux follows */

static bool lies_below_proc(const char *path)
{
    char *named = take_folder_name(path);
    char *folder = named ? realpath(named, NULL) : NULL;
    const bool below =
        folder && (strcmp(folder, "/proc") == 0 || strncmp(folder, "/proc/", 6) == 0);
    free(folder);
    free(named);
    return below;
}

/* Where the link `path` leads; free() it. NULL where it is none. */
static char *next_of(const char *path)
{
    char target[PATH_MAX];
    char *next = NULL;
    lt_error ignored = {0};
    const ssize_t bytes = readlink(path, target, sizeof target - 1);
    if (bytes < 0)
        return NULL;
    target[bytes] = '\0';
    return lt_path_beside(path, target, &next, &ignored) == LT_OK ? next : NULL;
}

bool take_is_descriptor(const char *path)
{
    if (access(path, F_OK) != 0)
        return false;
    char *at = strdup(path);
    bool below = false;
    for (int links = 0; at && !below && links <= MOST_LINKS; links++) {
        below = lies_below_proc(at);
        char *next = below ? NULL : next_of(at);
        free(at);
        at = next;
    }
    free(at);
    return below;
}

bool take_is_stream(const char *output)
{
    return strcmp(output, "-") == 0 || take_is_descriptor(output);
}
