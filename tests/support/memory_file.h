/* memory_file.h - bytes as a file with a path, without a disk. */
#ifndef TEST_MEMORY_FILE_H
#define TEST_MEMORY_FILE_H

#include <stddef.h>

enum { MEMORY_FILE_PATH = 64 };

/* Returns the handle to close(), and the path by which it can be opened until then. */
int memory_file(const void *data, size_t bytes, char path[MEMORY_FILE_PATH]);

#endif
