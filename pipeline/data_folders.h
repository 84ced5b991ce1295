/* data_folders.h - where configs/ and models/ are when nobody says: beside the library, in a build
 * tree or an installation. */
#ifndef TAKE_DATA_FOLDERS_H
#define TAKE_DATA_FOLDERS_H

#include <limits.h>

enum { TAKE_DATA_FOLDERS = 4 };

typedef struct {
    char text[TAKE_DATA_FOLDERS][PATH_MAX];
    const char *list[TAKE_DATA_FOLDERS + 1]; /* of `text`, those that are there; NULL-terminated */
} take_data_folders;

/* For lib/liblongtake.so share/longtake of the same installation, for build/liblongtake.so the
 * sources: the folder above, or those that links in build/sources lead to, wherever the build tree
 * is. None where the library cannot be told from the program it is linked into. */
void take_data_folders_find(take_data_folders *f);

#endif
