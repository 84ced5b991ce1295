/* hash.c - XXH3 in its 128-bit form; an lt_hasher is an XXH3 state. */
#include "kernels/core/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "kernels/core/file_error.h"

enum { READ_BYTES = 1 << 18 };

static lt_hash from_library(XXH128_hash_t h)
{
    return (lt_hash){.high = h.high64, .low = h.low64};
}

static XXH3_state_t *state(lt_hasher *h)
{
    return (XXH3_state_t *)h;
}

bool lt_hash_equal(lt_hash a, lt_hash b)
{
    return a.high == b.high && a.low == b.low;
}

lt_hash lt_hash_bytes(const void *data, size_t bytes)
{
    return from_library(XXH3_128bits(data, bytes));
}

lt_hasher *lt_hasher_open(void)
{
    XXH3_state_t *const s = XXH3_createState();
    if (s)
        XXH3_128bits_reset(s);
    return (lt_hasher *)s;
}

void lt_hasher_add(lt_hasher *h, const void *data, size_t bytes)
{
    if (bytes > 0)
        XXH3_128bits_update(state(h), data, bytes);
}

lt_hash lt_hasher_close(lt_hasher *h)
{
    const lt_hash result = from_library(XXH3_128bits_digest(state(h)));
    XXH3_freeState(state(h));
    return result;
}

static lt_status add_file(lt_hasher *h, FILE *file, const char *path, lt_error *err)
{
    char *const buffer = malloc(READ_BYTES);
    if (!buffer)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to read it", path);
    size_t got;
    while ((got = fread(buffer, 1, READ_BYTES, file)) > 0)
        lt_hasher_add(h, buffer, got);
    free(buffer);
    if (ferror(file))
        return lt_fail_to_read(path, err);
    return LT_OK;
}

lt_status lt_hash_file(const char *path, lt_hash *out, lt_error *err)
{
    FILE *const file = fopen(path, "rbe");
    if (!file)
        return lt_fail_to_read(path, err);
    lt_hasher *const h = lt_hasher_open();
    lt_status s = h ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to hash it", path);
    if (s == LT_OK)
        s = add_file(h, file, path, err);
    if (h)
        *out = lt_hasher_close(h);
    fclose(file);
    return s;
}

void lt_hash_text(lt_hash h, char text[LT_HASH_TEXT_BYTES])
{
    snprintf(text, LT_HASH_TEXT_BYTES, "%016" PRIx64 "%016" PRIx64, h.high, h.low);
}
