/* cpu_int8_panels.c - matrices of any kind as panels of int8 codes and their scales.
 *
 *     i8 rows      codes as they are stored; the scale of a row waits for the finished sum, those of units are 1
 *     q8, q4       codes and scales as they are stored, where the product's unit is a block
 *     the others   rounded unit by unit: floats, and blocks where units are longer
 */
#include "kernels/cpu/cpu_backend.h"

#include <string.h>

int64_t lt_int8_room(const lt_product *p)
{
    return (int64_t)p->depth * p->columns + (int64_t)p->depth * (int64_t)sizeof(float);
}

/* The integers of `depth` elements of q4 (kernels/core/weight.h). */
static void read_q4(int8_t *codes, const uint8_t *w, int64_t depth)
{
    enum { HALF = LT_BLOCK / 2 };
    for (int64_t k = 0; k < depth; k += LT_BLOCK, w += HALF) {
        uint8_t block[HALF]; /* a copy: stores of bytes might change what `w` points to */
        memcpy(block, w, sizeof block);
        for (int i = 0; i < HALF; i++)
            codes[k + i] = (int8_t)((block[i] & 15) - 8);
        for (int i = 0; i < HALF; i++)
            codes[k + HALF + i] = (int8_t)((block[i] >> 4) - 8);
    }
}

/* Scales of a column's units: those of its blocks, or 1 for now. */
static void set_scales(const lt_cpu *cpu, float *to, int64_t unit_floats, const uint16_t *block_scales, int64_t units, float *row)
{
    if (block_scales != NULL)
        cpu->kernels->widen(row, block_scales, LT_F16, units);
    for (int64_t u = 0; u < units; u++)
        to[u * unit_floats] = block_scales != NULL ? row[u] : 1;
}

static void widen_row(const lt_cpu *cpu, const lt_weight *w, int64_t row, int64_t k, int64_t depth, float *to)
{
    if (lt_is_blocks(w))
        cpu->kernels->widen_blocks(to, lt_stored_at(w, row, k), w->value.dtype, lt_block_scales(w, row, k), depth);
    else
        cpu->kernels->widen(to, lt_stored_at(w, row, k), w->value.dtype, depth);
}

void lt_pack_int8(const lt_cpu *cpu, const lt_product *p, const lt_weight *w, int64_t column, int64_t k, int64_t depth,
                  void *panel, void *room)
{
    const lt_dtype stored = w->value.dtype;
    const bool blocks_are_units = lt_is_blocks(w) && p->unit == LT_BLOCK;
    const int64_t count = lt_min(p->columns, w->value.dim[0] - column);
    const int64_t units = lt_ceil_div(depth, p->unit);
    const int64_t unit_floats = (p->unit_head + (int64_t)p->unit * p->columns) / (int64_t)sizeof(float);
    float *scale = panel; /* of column 0, unit 0 */
    float *row = room;
    int8_t *codes = (int8_t *)(row + p->depth); /* [columns][depth] */
    for (int64_t c = 0; c < p->columns; c++) {
        const bool stands_for_blocks = blocks_are_units && c < count;
        set_scales(cpu, scale + c, unit_floats, stands_for_blocks ? lt_block_scales(w, column + c, k) : NULL, units, row);
    }
    if (stored == LT_I8 || (stored == LT_Q8 && blocks_are_units)) {
        p->pack(panel, lt_stored_at(w, column, k), LT_I8, w->value.dim[1], count, depth);
        return;
    }
    for (int64_t c = 0; c < count; c++) {
        if (blocks_are_units) {
            read_q4(codes + c * depth, lt_stored_at(w, column + c, k), depth);
            continue;
        }
        widen_row(cpu, w, column + c, k, depth, row);
        cpu->kernels->round_units(codes + c * depth, scale + c, unit_floats, row, depth, p->unit);
    }
    p->pack(panel, codes, LT_I8, depth, count, depth);
}
