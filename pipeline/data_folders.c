/* data_folders.c - see data_folders.h. */
#include "pipeline/data_folders.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind the library's own folder: lib/, lib/TRIPLET/, a build tree
 * inside the sources, one elsewhere. */
static const char *const ways[TAKE_DATA_FOLDERS] = {"/../share/longtake", "/../../share/longtake",
                                                    "/..", "/sources"};

void take_data_folders_find(take_data_folders *f)
{
    static const char here = 0; /* a place inside the library */
    Dl_info library;
    char folder[PATH_MAX];
    int count = 0;
    f->list[0] = NULL;
    if (dladdr(&here, &library) == 0 || !library.dli_fname || !realpath(library.dli_fname, folder))
        return;
    char *const slash = strrchr(folder, '/');
    const size_t length = (size_t)(slash - folder);
    for (int i = 0; i < TAKE_DATA_FOLDERS; i++) {
        char place[PATH_MAX];
        const int bytes = snprintf(place, sizeof place, "%.*s%s", (int)length, folder, ways[i]);
        if (bytes < (int)sizeof place && realpath(place, f->text[count])) {
            f->list[count] = f->text[count];
            count++;
        }
    }
    f->list[count] = NULL;
}
