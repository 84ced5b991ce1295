/* amx_tiles.h - eight tile registers of 16 rows of 64 bytes, for the products of amx_*_kernels.c. Their shape is set once per
 * thread and tile of work (begin), and given back (end) so that nobody saves them for us. */
#ifndef LT_AMX_TILES_H
#define LT_AMX_TILES_H

#include "kernels/cpu/vec.h"

enum { TILE_ROWS = 16 };

static void begin_tiles(void)
{
    struct {
        uint8_t palette;
        uint8_t start_row;
        uint8_t reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shape.row_bytes[i] = 64;
        shape.rows[i] = TILE_ROWS;
    }
    _tile_loadconfig(&shape);
}

static void end_tiles(void)
{
    _tile_release();
}

#endif
