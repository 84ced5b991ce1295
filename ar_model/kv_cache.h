/* kv_cache.h - keys and values of every position so far, allocated once, and the rotary table of
 * all positions.
 *
 * Stored head by head, [layers, items, heads, capacity, d]: attention reads the rows of one head,
 * and rows of one head lie side by side. Keys are stored rotated. Items are the guidance pair: 0
 * conditional, 1 unconditional.
 */
#ifndef AR_KV_CACHE_H
#define AR_KV_CACHE_H

#include "configs/ar_config.h"
#include "kernels/ops.h"

typedef struct {
    lt_tensor keys;   /* [layers, items, heads, capacity, d], activation dtype */
    lt_tensor values; /* the same */
    lt_tensor cosine; /* [capacity, d / 2] f32 */
    lt_tensor sine;
    int64_t capacity; /* positions */
    int64_t used;     /* positions 0 .. used-1 are filled */
} ar_cache;

lt_status ar_cache_open(lt_backend *backend, const cfg_ar *cfg, int items, int64_t capacity,
                        ar_cache *out, lt_error *err);
void ar_cache_close(lt_backend *backend, ar_cache *c); /* accepts a zeroed one */

/* Positions begin .. begin+count-1 of one layer's keys or values: a
 * view [items, count, heads, d]. */
lt_tensor ar_cache_rows(lt_tensor keys_or_values, int layer, int items, int64_t begin,
                        int64_t count);

/* Cosines and sines of positions 0 .. count-1, [count, d / 2] each. */
void ar_rotary_table(float base, int head_width, int64_t count, float *cosine, float *sine);

#endif
