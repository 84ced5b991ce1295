/* arena.c - a bump pointer that also runs dry. */
#include "kernels/core/arena.h"

#include <assert.h>
#include <stdint.h>

void lt_arena_measure(lt_arena *a)
{
    *a = (lt_arena){.measuring = true};
}

void lt_arena_use(lt_arena *a, void *block, size_t capacity)
{
    *a = (lt_arena){.base = block, .capacity = capacity};
}

bool lt_arena_take(lt_arena *a, size_t bytes, void **out)
{
    *out = NULL;
    if (bytes > SIZE_MAX - LT_ARENA_ALIGN - a->used)
        return false;
    const size_t rounded = (bytes + LT_ARENA_ALIGN - 1) / LT_ARENA_ALIGN * LT_ARENA_ALIGN;
    if (!a->measuring && rounded > a->capacity - a->used)
        return false;
    if (!a->measuring)
        *out = a->base + a->used;
    a->used += rounded;
    if (a->used > a->peak)
        a->peak = a->used;
    return true;
}

lt_mark lt_arena_mark(const lt_arena *a)
{
    return a->used;
}

void lt_arena_rewind(lt_arena *a, lt_mark mark)
{
    assert(mark <= a->used);
    a->used = mark;
}
