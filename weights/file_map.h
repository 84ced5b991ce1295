/* file_map.h - a whole regular file as read-only memory. */
#ifndef LT_FILE_MAP_H
#define LT_FILE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/core/hash.h"
#include "kernels/core/status.h"

typedef struct {
    uint8_t *data; /* read-only pages; NULL when closed or the file is empty */
    size_t bytes;
    lt_hash identity; /* of its device, number, size and time of change: whether it is the same
                         file, as it was */
} lt_file_map;

/* LT_ERR_INPUT when the file cannot be read or is not a regular file. */
lt_status lt_file_map_open(lt_file_map *m, const char *path, lt_error *err);
void lt_file_map_close(lt_file_map *m); /* accepts a zeroed one */
/* Gives the memory of a part of a mapping back to the system; it is read from the file again when
 * it is touched again. */
void lt_file_map_forget(const void *part, size_t bytes);

#endif
