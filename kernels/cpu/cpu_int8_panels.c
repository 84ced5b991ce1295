/* cpu_int8_panels.c - matrices of any kind as panels of int8 codes and their scales.
 *
 *     i8 rows      codes as they are stored; the scale of a row waits for the finished sum, those
 *                  of units are 1
 *     q8, q4       codes and scales as they are stored, where the product's unit is a block; where
 *                  units are longer, codes rounded to the largest scale of their blocks
 *     floats       rounded unit by unit
 */
#include "kernels/cpu/cpu_backend.h"

#include <string.h>

int64_t lt_int8_room(const lt_product *p)
{
    return (int64_t)p->depth * p->columns + p->depth / LT_BLOCK * (int64_t)sizeof(float);
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

/* Where the codes and scales of a piece of one column go. */
typedef struct {
    int8_t *codes;
    float *scale; /* of its first unit; the next is scale_stride further on */
    int64_t scale_stride;
} int8_column;

static void set_scales(const int8_column *to, const float *values, int64_t units)
{
    for (int64_t u = 0; u < units; u++)
        to->scale[u * to->scale_stride] = values != NULL ? values[u] : 1;
}

/* Blocks, or units of several. `block_scale` takes their scales. */
static void take_blocks(const lt_cpu *cpu, const lt_product *p, const lt_weight *w, int64_t row,
                        int64_t k, int64_t depth, const int8_column *to, float *block_scale)
{
    const void *stored = lt_stored_at(w, row, k);
    cpu->kernels->widen(block_scale, lt_block_scales(w, row, k), LT_F16, depth / LT_BLOCK);
    if (p->unit > LT_BLOCK) {
        cpu->kernels->round_blocks(to->codes, to->scale, to->scale_stride, stored, w->value.dtype,
                                   block_scale, depth, p->unit);
        return;
    }
    set_scales(to, block_scale, depth / LT_BLOCK);
    if (w->value.dtype == LT_Q4)
        read_q4(to->codes, stored, depth);
}

void lt_pack_int8(const lt_cpu *cpu, const lt_product *p, const lt_weight *w, int64_t column,
                  int64_t k, int64_t depth, void *panel, void *room)
{
    const lt_dtype stored = w->value.dtype;
    const bool as_stored = stored == LT_I8 || (stored == LT_Q8 && p->unit == LT_BLOCK);
    const int64_t count = lt_min(p->columns, w->value.dim[0] - column);
    const int64_t units = lt_ceil_div(depth, p->unit);
    const int64_t unit_bytes = p->unit_head + (int64_t)p->unit * p->columns;
    float *block_scale = room;                                     /* [depth / LT_BLOCK] */
    int8_t *codes = (int8_t *)(block_scale + p->depth / LT_BLOCK); /* [columns][depth] */
    for (int64_t c = 0; c < p->columns; c++) {
        const int64_t row = column + c;
        const int8_column to = {.codes = codes + c * depth,
                                .scale = (float *)panel + c,
                                .scale_stride = unit_bytes / (int64_t)sizeof(float)};
        if (row + p->columns < w->value.dim[0]) /* of the panel that often comes next */
            lt_fetch(lt_stored_at(w, row + p->columns, k), lt_stored_bytes(w, depth));
        if (c >= count || stored == LT_I8)
            set_scales(&to, NULL, units);
        else if (lt_is_blocks(w))
            take_blocks(cpu, p, w, row, k, depth, &to, block_scale);
        else
            cpu->kernels->round_units(to.codes, to.scale, to.scale_stride, lt_stored_at(w, row, k),
                                      stored, depth, p->unit);
    }
    if (as_stored)
        p->pack(panel, lt_stored_at(w, column, k), LT_I8, w->value.dim[1], count, depth);
    else
        p->pack(panel, codes, LT_I8, depth, count, depth);
}
