/* cache_folder.c - from the environment; see cache_folder.h. */
#include "cli/cache_folder.h"

#include <stdio.h>
#include <stdlib.h>

bool cli_cache_folder(char *path, size_t bytes)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int length = -1;
    if (cache && cache[0] == '/') /* a relative one is to be ignored */
        length = snprintf(path, bytes, "%s/longtake", cache);
    else if (home && home[0] == '/')
        length = snprintf(path, bytes, "%s/.cache/longtake", home);
    return length > 0 && (size_t)length < bytes;
}
