/* arena.h - memory by lifetime: take, take, take, rewind.
 *
 *     lt_mark mark = lt_arena_mark(a);
 *     ... everything taken here ...
 *     lt_arena_rewind(a, mark);
 *
 * An arena does not own its block (a backend's alloc made it) and never touches it, so the block
 * may be device memory. In measure mode it has no block: it hands out NULL and counts, and `peak`
 * says how large the block must be.
 */
#ifndef LT_ARENA_H
#define LT_ARENA_H

#include <stdbool.h>
#include <stddef.h>

enum { LT_ARENA_ALIGN = 64 };

typedef struct {
    char *base;      /* NULL in measure mode */
    size_t capacity; /* bytes; ignored in measure mode */
    size_t used;
    size_t peak; /* largest `used` so far */
    bool measuring;
} lt_arena;

typedef size_t lt_mark;

void lt_arena_measure(lt_arena *a);                           /* starts a measurement */
void lt_arena_use(lt_arena *a, void *block, size_t capacity); /* starts real use */
/* 64-byte aligned. False when the block is too small; *out is NULL in measure mode. */
bool lt_arena_take(lt_arena *a, size_t bytes, void **out);
lt_mark lt_arena_mark(const lt_arena *a);
void lt_arena_rewind(lt_arena *a, lt_mark mark);

#endif
