/* amx_int8_kernels.c - the int8 product of AMX: 32 x 32 sums in four tile registers, 64 inputs a
 * step.
 *
 * Sums leave the tiles through memory, which by count of instructions takes as long as 300 inputs
 * of products. So a unit is as long as a piece, 512 inputs: with units of 32, 64 inputs of AMX's
 * bf16 product would take no longer than 32 of this one. Blocks of q8 and q4 are rounded once more
 * for it, to the scale of 512 neighbours.
 */
#if defined(__x86_64__)
#define LT_LANES 16
#include <stddef.h>

#include "kernels/cpu/amx_tiles.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/int8_panel.h"
#include "kernels/cpu/int8_rounding.h"

enum { ROWS = 2 * TILE_ROWS, COLUMNS = 2 * LT_LANES, UNIT = 512, STEP = 64, STEP_QUADS = STEP / 4 };

typedef struct {
    int8_t code[UNIT];
    float scale;
    char gap[60]; /* an odd number of cache lines: rows do not share few sets */
} left_unit;

typedef struct {
    float scale[COLUMNS];
    int8_t code[UNIT / STEP][STEP_QUADS][COLUMNS][4]; /* as many steps as there are */
} right_unit;

static void multiply_int8(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    (void)stretches;
    const right_unit *w = panel;
    const size_t left_bytes = (size_t)left_stride;
    const size_t panel_bytes = sizeof w->code[0][0];
    meet_memory();
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < stretch->run; k += STEP) {
        const char *row = (const char *)left + k;
        const int8_t *right = w->code[k / STEP][0][0];
        _tile_loadd(4, row, left_bytes);
        _tile_loadd(6, right, panel_bytes);
        _tile_loadd(7, right + 4 * TILE_ROWS, panel_bytes);
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_loadd(5, row + TILE_ROWS * left_stride, left_bytes);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
    }
    int32_t sums[ROWS][COLUMNS];
    _tile_stored(0, sums[0], sizeof sums[0]);
    _tile_stored(1, sums[0] + TILE_ROWS, sizeof sums[0]);
    _tile_stored(2, sums[TILE_ROWS], sizeof sums[0]);
    _tile_stored(3, sums[TILE_ROWS] + TILE_ROWS, sizeof sums[0]);
    for (int r = 0; r < ROWS; r++) {
        const vi sum[2] = {load_line(sums[r]), load_line(sums[r] + LT_LANES)};
        add_int8_sums(
            c + r * c_stride, sum,
            ((const left_unit *)(const void *)((const char *)left + r * left_stride))->scale,
            w->scale, first);
    }
}

static void load_int8(void *left, const void *x, lt_dtype type, int64_t count)
{
    left_unit *to = left;
    const int64_t padded = (count + STEP - 1) / STEP * STEP;
    to->scale = round_unit(to->code, padded, x, type, 0, count);
}

static void pack_int8(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                      int64_t depth)
{
    (void)type;
    right_unit *to = panel;
    const int64_t steps = (depth + STEP - 1) / STEP;
    pack_quads(to->code[0][0][0], steps * STEP_QUADS, COLUMNS, rows, stride, count, depth);
}

const lt_product lt_amx_int8 = {
    .type = LT_I8,
    .rows = ROWS,
    .columns = COLUMNS,
    .step = STEP,
    .depth = UNIT,
    .unit = UNIT,
    .unit_head = offsetof(right_unit, code),
    .left_pitch = sizeof(left_unit),
    .pack = pack_int8,
    .load = load_int8,
    .multiply = multiply_int8,
    .begin = begin_tiles,
    .end = end_tiles,
};
#endif
