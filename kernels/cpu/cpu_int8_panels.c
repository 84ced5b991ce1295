/* cpu_int8_panels.c - matrices of any kind as panels of int8 codes and their scales.
 *
 *     i8 rows      codes as they are stored; the scale of a row waits for the finished sum, those of units are 1
 *     q8, q4       codes and scales as they are stored, where the product's unit is a block
 *     the others   rounded unit by unit: floats, and blocks where units are longer
 */
#include "kernels/cpu/cpu_backend.h"

int64_t lt_int8_room(const lt_product *p)
{
    return (int64_t)p->depth * p->columns + (int64_t)p->depth * (int64_t)sizeof(float);
}

/* Scale of the first column of unit `u` of a panel. */
static float *scales_of(const lt_product *p, void *panel, int64_t u)
{
    return (float *)(void *)((char *)panel + u * (p->unit_head + (int64_t)p->unit * p->columns));
}

/* The integers of `depth` elements of q4 (kernels/core/weight.h). */
static void read_q4(int8_t *codes, const uint8_t *w, int64_t depth)
{
    for (int64_t k = 0; k < depth; k += LT_BLOCK)
        for (int64_t i = 0; i < LT_BLOCK / 2; i++, w++) {
            codes[k + i] = (int8_t)((*w & 15) - 8);
            codes[k + LT_BLOCK / 2 + i] = (int8_t)((*w >> 4) - 8);
        }
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
    for (int64_t u = 0; u < units; u++)
        for (int64_t c = 0; c < p->columns; c++)
            scales_of(p, panel, u)[c] = 1;
    if (blocks_are_units)
        for (int64_t c = 0; c < count; c++)
            for (int64_t u = 0; u < units; u++)
                scales_of(p, panel, u)[c] = lt_f16_to_f32(lt_block_scales(w, column + c, k)[u]);
    if (stored == LT_I8 || (stored == LT_Q8 && blocks_are_units)) {
        p->pack(panel, lt_stored_at(w, column, k), LT_I8, w->value.dim[1], count, depth);
        return;
    }
    float *row = room;
    int8_t *codes = (int8_t *)(row + p->depth); /* [columns][depth] */
    const int64_t unit_floats = scales_of(p, panel, 1) - scales_of(p, panel, 0);
    for (int64_t c = 0; c < count; c++) {
        if (blocks_are_units) {
            read_q4(codes + c * depth, lt_stored_at(w, column + c, k), depth);
            continue;
        }
        widen_row(cpu, w, column + c, k, depth, row);
        cpu->kernels->round_units(codes + c * depth, scales_of(p, panel, 0) + c, unit_floats, row, depth, p->unit);
    }
    p->pack(panel, codes, LT_I8, depth, count, depth);
}
