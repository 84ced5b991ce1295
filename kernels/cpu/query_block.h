/* query_block.h - what every form of attention asks of a block of queries and its keys. */
#ifndef LT_QUERY_BLOCK_H
#define LT_QUERY_BLOCK_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/vec.h"

LT_INLINE const void *element(const void *base, lt_dtype type, int64_t index)
{
    return (const char *)base + index * vf_element_bytes(type);
}

/* How many of the keys the query sees. */
LT_INLINE int64_t seen_by(const lt_query_block *b, int64_t query)
{
    const int64_t seen = b->visible == NULL ? b->keys : b->visible[query];
    return seen < b->keys ? seen : b->keys;
}

/* The tile behind this one comes into the cache while some queries meet this one: rows of a head
 * lie far apart, where the processor does not look ahead by itself. */
LT_INLINE void fetch_rows(const lt_query_block *b, int64_t first, int64_t end)
{
    const int64_t line = 64 / vf_element_bytes(b->type);
    for (int64_t j = first; j < end && j < b->keys; j++)
        for (int64_t i = 0; i < b->d; i += line) {
            __builtin_prefetch(element(b->k, b->type, j * b->k_stride + i), 0, 2);
            __builtin_prefetch(element(b->v, b->type, j * b->v_stride + i), 0, 2);
        }
}

#endif
