/* cuda_plan_cache.h - plans kept by what they were made for: from the bytes of a key to a pointer.
 *
 *     void *plan = lt_plan_find(&cache, &key, sizeof key);
 *     if (plan == NULL) { ... make it ...;
 *         LT_TRY(lt_plan_keep(&cache, &key, sizeof key, plan, err)); }
 *
 * A key is a struct that was zeroed before its fields were set, so that padding compares equal. A
 * zeroed cache is empty.
 */
#ifndef LT_CUDA_PLAN_CACHE_H
#define LT_CUDA_PLAN_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    void *key; /* owned copy; NULL: the slot is free */
    size_t bytes;
    uint64_t hash;
    void *plan;
} lt_plan_slot;

typedef struct {
    lt_plan_slot *slot; /* [capacity], a power of two, at most half full */
    size_t capacity;
    size_t count;
} lt_plan_cache;

/* NULL when there is none. */
void *lt_plan_find(const lt_plan_cache *cache, const void *key, size_t bytes);
/* Takes `plan` (not NULL); the key must not be there yet. On failure
 * the plan stays the caller's. */
lt_status lt_plan_keep(lt_plan_cache *cache, const void *key, size_t bytes, void *plan,
                       lt_error *err);
/* Gives every plan to `drop`, then empties the cache. */
void lt_plan_cache_close(lt_plan_cache *cache, void (*drop)(void *plan, void *user), void *user);

#ifdef __cplusplus
}
#endif
#endif
