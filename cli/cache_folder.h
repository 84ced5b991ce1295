/* cache_folder.h - where this user's programs keep what they can do without. */
#ifndef CLI_CACHE_FOLDER_H
#define CLI_CACHE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* $XDG_CACHE_HOME/longtake, else ~/.cache/longtake; false when neither is known. Makes nothing. */
bool cli_cache_folder(char *path, size_t bytes);

#endif
