/* file_name.c - see file_name.h. */
#include "pipeline/file_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *take_extension(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    return dot ? dot + 1 : NULL;
}

bool take_has_extension(const char *path, const char *extension)
{
    const char *found = take_extension(path);
    return found && strcasecmp(found, extension) == 0;
}

char *take_name_with(const char *path, const char *part)
{
    const char *extension = take_extension(path);
    const size_t stem = extension ? (size_t)(extension - 1 - path) : strlen(path);
    char *name = NULL;
    return asprintf(&name, "%.*s%s%s", (int)stem, path, part, path + stem) < 0 ? NULL : name;
}

char *take_folder_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}
