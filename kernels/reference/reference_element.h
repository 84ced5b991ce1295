/* reference_element.h - single elements of strided tensors, and rows cut into tiles. */
#ifndef LT_REFERENCE_ELEMENT_H
#define LT_REFERENCE_ELEMENT_H

#include "kernels/core/tensor.h"
#include "kernels/core/threads.h"
#include "kernels/core/weight.h"

/* Element at `offset` (in elements from the start) of an f32 or bf16 tensor. */
static inline double lt_ref_get(const lt_tensor *t, int64_t offset)
{
    if (t->dtype == LT_F32)
        return (double)((const float *)t->data)[offset];
    return (double)lt_bf16_to_f32(((const uint16_t *)t->data)[offset]);
}

static inline void lt_ref_put(const lt_tensor *t, int64_t offset, double value)
{
    if (t->dtype == LT_F32)
        ((float *)t->data)[offset] = (float)value;
    else
        ((uint16_t *)t->data)[offset] = lt_f32_to_bf16((float)value);
}

/* Values of a prepared weight: packed f32; NULL stays NULL. */
static inline const float *lt_ref_values(const lt_weight *w)
{
    return w == NULL ? NULL : (const float *)w->value.data;
}

/* A row is everything but the last dimension, counted row-major. */
static inline int64_t lt_ref_rows(const lt_tensor *t)
{
    return lt_numel(t) / t->dim[t->rank - 1];
}

/* Where row `row` begins. */
static inline int64_t lt_ref_row_at(const lt_tensor *t, int64_t row)
{
    int64_t offset = 0;
    for (int i = t->rank - 2; i >= 0; i--) {
        offset += row % t->dim[i] * t->stride[i];
        row /= t->dim[i];
    }
    return offset;
}

/* Rows per tile, so that a tile has some thousand elements whatever the width. */
static inline int64_t lt_ref_tile_rows(int64_t width)
{
    return width >= 4096 ? 1 : 4096 / width;
}

static inline int64_t lt_ref_tiles(int64_t count, int64_t tile)
{
    return (count + tile - 1) / tile;
}

static inline int64_t lt_ref_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
