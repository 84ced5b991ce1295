/* amx_kernels.c - the bf16 product of AMX: 32 x 32 or 64 x 16 sums in four tile registers, 32
 * inputs a step.
 *
 * A tile register (amx_tiles.h) holds 16 x 16 sums, 16 rows x 32 inputs of the left side, or 16
 * pairs x 16 columns of a panel.
 */
#if defined(__x86_64__)
#define LT_LANES    16
#define NARROW_STEP 32
#include "kernels/cpu/amx_tiles.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/product_narrow.h"

enum { NARROW_ROWS = 2 * TILE_ROWS, SLIM_ROWS = 4 * TILE_ROWS };

/* The sums of registers 0 to 3 lie at c, c + one, c + two and c + one + two. */
LT_INLINE void begin_sums(const float *c, int64_t c_stride, int64_t one, int64_t two, bool first)
{
    const size_t c_bytes = (size_t)c_stride * sizeof *c;
    meet_memory();
    if (first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, c, c_bytes);
        _tile_loadd(1, c + one, c_bytes);
        _tile_loadd(2, c + two, c_bytes);
        _tile_loadd(3, c + one + two, c_bytes);
    }
}

LT_INLINE void store_sums(float *c, int64_t c_stride, int64_t one, int64_t two)
{
    const size_t c_bytes = (size_t)c_stride * sizeof *c;
    _tile_stored(0, c, c_bytes);
    _tile_stored(1, c + one, c_bytes);
    _tile_stored(2, c + two, c_bytes);
    _tile_stored(3, c + one + two, c_bytes);
}

static void multiply_narrow(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                            const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    const size_t left_bytes = (size_t)left_stride * sizeof(uint16_t);
    const size_t panel_bytes = 2 * NARROW_COLUMNS * sizeof(uint16_t);
    const uint16_t *right = panel;
    begin_sums(c, c_stride, TILE_ROWS, TILE_ROWS * c_stride, first);
    for (int s = 0; s < stretches; s++) {
        const uint16_t *row = (const uint16_t *)left + stretch[s].offset;
        for (int64_t k = 0; k < stretch[s].run; k += NARROW_STEP) {
            _tile_loadd(4, row, left_bytes);
            _tile_loadd(6, right, panel_bytes);
            _tile_loadd(7, right + NARROW_COLUMNS, panel_bytes);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_loadd(5, row + TILE_ROWS * left_stride, left_bytes);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
            row += NARROW_STEP;
            right += NARROW_STEP * NARROW_COLUMNS;
        }
    }
    store_sums(c, c_stride, TILE_ROWS, TILE_ROWS * c_stride);
}

static void multiply_slim(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    const size_t left_bytes = (size_t)left_stride * sizeof(uint16_t);
    const size_t panel_bytes = 2 * SLIM_COLUMNS * sizeof(uint16_t);
    const uint16_t *right = panel;
    begin_sums(c, c_stride, TILE_ROWS * c_stride, 2 * TILE_ROWS * c_stride, first);
    for (int s = 0; s < stretches; s++) {
        const uint16_t *row = (const uint16_t *)left + stretch[s].offset;
        for (int64_t k = 0; k < stretch[s].run; k += NARROW_STEP) {
            _tile_loadd(6, right, panel_bytes);
            _tile_loadd(4, row, left_bytes);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(5, row + TILE_ROWS * left_stride, left_bytes);
            _tile_dpbf16ps(1, 5, 6);
            _tile_loadd(4, row + 2 * TILE_ROWS * left_stride, left_bytes);
            _tile_dpbf16ps(2, 4, 6);
            _tile_loadd(5, row + 3 * TILE_ROWS * left_stride, left_bytes);
            _tile_dpbf16ps(3, 5, 6);
            row += NARROW_STEP;
            right += NARROW_STEP * SLIM_COLUMNS;
        }
    }
    store_sums(c, c_stride, TILE_ROWS * c_stride, 2 * TILE_ROWS * c_stride);
}

static void attend(const lt_query_block *b, void *scratch)
{
    attend_with(b, scratch, &lt_amx_kernels.wide, true);
}

const lt_narrow_kernels lt_amx_kernels = {
    .wide =
        {
            .type = LT_BF16,
            .rows = NARROW_ROWS,
            .columns = NARROW_COLUMNS,
            .step = NARROW_STEP,
            .depth = NARROW_DEPTH,
            .pack = pack_narrow,
            .load = load_narrow,
            .multiply = multiply_narrow,
            .begin = begin_tiles,
            .end = end_tiles,
        },
    .slim =
        {
            .type = LT_BF16,
            .rows = SLIM_ROWS,
            .columns = SLIM_COLUMNS,
            .step = NARROW_STEP,
            .depth = NARROW_DEPTH,
            .pack = pack_slim,
            .load = load_narrow,
            .multiply = multiply_slim,
            .begin = begin_tiles,
            .end = end_tiles,
        },
    .attend = attend,
};
#endif
