/* amx_tiles.h - eight tile registers of 16 rows of 64 bytes, for the products of amx_*_kernels.c.
 * Their shape is set once per thread and tile of work (begin), and given back (end) so that nobody
 * saves them for us. */
#ifndef LT_AMX_TILES_H
#define LT_AMX_TILES_H

#include "kernels/cpu/vec.h"

enum { TILE_ROWS = 16 };

/* Constant: GCC's LDTILECFG says that it reads eight bytes, so stores to the others of a variable
 * may be left out. */
static const struct {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_shape = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS,
             TILE_ROWS},
};

static void begin_tiles(void)
{
    _tile_loadconfig(&tile_shape);
}

static void end_tiles(void)
{
    _tile_release();
}

/* Before the first load of tiles: what was stored is in memory. GCC's TILELOADD does not say that
 * it reads there. */
LT_INLINE void meet_memory(void)
{
    __asm__ volatile("" : : : "memory");
}

#endif
