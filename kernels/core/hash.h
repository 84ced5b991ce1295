/* hash.h - 128-bit content hashes (XXH3), for names of job folders and checksums of products. Not
 * cryptographic. */
#ifndef LT_HASH_H
#define LT_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"

typedef struct {
    uint64_t high;
    uint64_t low;
} lt_hash;

typedef struct lt_hasher lt_hasher;

bool lt_hash_equal(lt_hash a, lt_hash b);
lt_hash lt_hash_bytes(const void *data, size_t bytes);
lt_status lt_hash_file(const char *path, lt_hash *out, lt_error *err);
lt_hasher *lt_hasher_open(void); /* NULL when memory is out */
void lt_hasher_add(lt_hasher *h, const void *data, size_t bytes);
lt_hash lt_hasher_close(lt_hasher *h); /* frees it */
enum { LT_HASH_TEXT_BYTES = 33 };
void lt_hash_text(lt_hash h, char text[LT_HASH_TEXT_BYTES]); /* 32 hex digits */

#endif
