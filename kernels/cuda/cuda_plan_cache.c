/* cuda_plan_cache.c - see cuda_plan_cache.h: open addressing, never
 * shrinks, nothing is taken out alone. */
#include "kernels/cuda/cuda_plan_cache.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

static uint64_t hash_of(const void *key, size_t bytes)
{
    const unsigned char *at = key;
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

/* The slot that holds the key, or the free one where it belongs. */
static lt_plan_slot *slot_for(lt_plan_slot *slots, size_t capacity, uint64_t hash, const void *key,
                              size_t bytes)
{
    size_t at = (size_t)hash & (capacity - 1);
    for (;; at = (at + 1) & (capacity - 1)) {
        lt_plan_slot *s = &slots[at];
        if (s->key == NULL ||
            (s->hash == hash && s->bytes == bytes && memcmp(s->key, key, bytes) == 0))
            return s;
    }
}

void *lt_plan_find(const lt_plan_cache *cache, const void *key, size_t bytes)
{
    if (cache->capacity == 0)
        return NULL;
    return slot_for(cache->slot, cache->capacity, hash_of(key, bytes), key, bytes)->plan;
}

static lt_status grow(lt_plan_cache *cache, lt_error *err)
{
    const size_t capacity = cache->capacity == 0 ? FIRST_CAPACITY : 2 * cache->capacity;
    lt_plan_slot *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no memory for a table of %zu plans", capacity);
    for (size_t i = 0; i < cache->capacity; i++) {
        const lt_plan_slot *s = &cache->slot[i];
        if (s->key != NULL)
            *slot_for(slots, capacity, s->hash, s->key, s->bytes) = *s;
    }
    free(cache->slot);
    cache->slot = slots;
    cache->capacity = capacity;
    return LT_OK;
}

lt_status lt_plan_keep(lt_plan_cache *cache, const void *key, size_t bytes, void *plan,
                       lt_error *err)
{
    if (2 * (cache->count + 1) > cache->capacity)
        LT_TRY(grow(cache, err));
    void *copy = malloc(bytes);
    if (copy == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no memory for the key of a plan");
    memcpy(copy, key, bytes);
    const uint64_t hash = hash_of(key, bytes);
    *slot_for(cache->slot, cache->capacity, hash, key, bytes) =
        (lt_plan_slot){.key = copy, .bytes = bytes, .hash = hash, .plan = plan};
    cache->count++;
    return LT_OK;
}

void lt_plan_cache_close(lt_plan_cache *cache, void (*drop)(void *plan, void *user), void *user)
{
    for (size_t i = 0; i < cache->capacity; i++)
        if (cache->slot[i].key != NULL) {
            drop(cache->slot[i].plan, user);
            free(cache->slot[i].key);
        }
    free(cache->slot);
    *cache = (lt_plan_cache){0};
}
