/* zip_directory.h - the entries of a PyTorch zip file, as ranges of the mapped file.
 *
 * Only what PyTorch writes is accepted: entries stored as they are, each in its own range, in front
 * of one directory that ends the file. So nothing is ever unpacked, and no two readers can see
 * different contents in one file.
 */
#ifndef LT_ZIP_DIRECTORY_H
#define LT_ZIP_DIRECTORY_H

#include <stdbool.h>

#include "weights/file_map.h"

enum { LT_MAX_ZIP_ENTRIES = 65536, LT_MAX_ZIP_NAME_BYTES = 512 };

typedef struct {
    const char *name; /* inside the archive's folder, not terminated */
    size_t name_bytes;
    uint64_t header_at; /* of the local header */
    const uint8_t *data;
    uint64_t bytes;
    uint32_t crc; /* what the directory says */
} lt_zip_entry;

typedef struct {
    lt_zip_entry *entry; /* sorted by name */
    int count;
} lt_zip_directory;

/* True when the file begins like a zip file. */
bool lt_is_zip(const lt_file_map *map);
/* LT_ERR_INPUT with the entry and the rule. The map must outlive the directory. */
lt_status lt_zip_open(lt_zip_directory *zip, const lt_file_map *map, const char *path,
                      lt_error *err);
/* accepts a zeroed one */
void lt_zip_close(lt_zip_directory *zip);
/* NULL when absent */
const lt_zip_entry *lt_zip_find(const lt_zip_directory *zip, const char *name);
uint32_t lt_crc32(const uint8_t *data, uint64_t bytes);

#endif
