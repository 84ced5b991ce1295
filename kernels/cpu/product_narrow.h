/* product_narrow.h - layouts of the bf16 product of a tile: pairs of neighbours in depth lie side
 * by side.
 *
 *     panel[depth / 2][columns][2], 32 columns (wide) or 16 (slim)
 *
 * 16 lanes only. The file that includes this defines NARROW_STEP first.
 */
#ifndef LT_PRODUCT_NARROW_H
#define LT_PRODUCT_NARROW_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/vec_math.h"

enum {
    NARROW_COLUMNS = 2 * LT_LANES,
    SLIM_COLUMNS = LT_LANES,
    NARROW_DEPTH = 24576 / (2 * NARROW_COLUMNS), /* 24 KB of panel */
    PAIR_LANES = 2 * LT_LANES                    /* bf16 elements of a vector */
};

LT_INLINE int64_t narrow_padded(int64_t depth)
{
    return (depth + NARROW_STEP - 1) / NARROW_STEP * NARROW_STEP;
}

/* 2 LT_LANES elements from k on as bf16; those beyond `some` are zero. */
LT_INLINE vu load_pairs(const void *row, lt_dtype type, int64_t k, int64_t some)
{
    vu pairs;
    if (type == LT_BF16 && some == PAIR_LANES) {
        memcpy(&pairs, (const uint16_t *)row + k, sizeof pairs);
        return pairs;
    }
    uint16_t pair[PAIR_LANES] = {0};
    if (type == LT_BF16)
        memcpy(pair, (const uint16_t *)row + k, (size_t)some * sizeof *pair);
    else
        FOR_VECTORS (i, part, some)
            vf_store_bf16(pair + i, vf_load_some(row, type, k + i, part));
    memcpy(&pairs, pair, sizeof pairs);
    return pairs;
}

/* Squares of LT_LANES rows x LT_LANES pairs are transposed as pairs. */
LT_INLINE void pack_pairs_of(uint16_t *panel, const char *rows, lt_dtype type, int64_t stride,
                             int64_t count, int64_t depth, int64_t columns)
{
    const int64_t row_bytes = stride * vf_element_bytes(type);
    const int64_t padded = narrow_padded(depth);
    for (int64_t k = 0; k < padded; k += PAIR_LANES) {
        const int64_t some = depth - k < PAIR_LANES ? depth - k : PAIR_LANES;
        const int64_t pairs = padded - k < PAIR_LANES ? (padded - k) / 2 : LT_LANES;
        for (int64_t first = 0; first < columns; first += LT_LANES) {
            vf square[LT_LANES];
            for (int64_t r = 0; r < LT_LANES; r++)
                square[r] = first + r >= count
                                ? vf_set(0)
                                : (vf)load_pairs(rows + (first + r) * row_bytes, type, k, some);
            vf_transpose(square);
            for (int64_t i = 0; i < pairs; i++)
                memcpy(panel + ((k / 2 + i) * columns + first) * 2, &square[i], sizeof square[i]);
        }
    }
}

static void pack_pairs(uint16_t *panel, const void *rows, lt_dtype type, int64_t stride,
                       int64_t count, int64_t depth, int64_t columns)
{
    switch (type) {
    case LT_BF16:
        pack_pairs_of(panel, rows, LT_BF16, stride, count, depth, columns);
        break;
    case LT_F16:
        pack_pairs_of(panel, rows, LT_F16, stride, count, depth, columns);
        break;
    case LT_I8:
        pack_pairs_of(panel, rows, LT_I8, stride, count, depth, columns);
        break;
    default:
        pack_pairs_of(panel, rows, LT_F32, stride, count, depth, columns);
    }
}

static void pack_narrow(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                        int64_t depth)
{
    pack_pairs(panel, rows, type, stride, count, depth, NARROW_COLUMNS);
}

static void pack_slim(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                      int64_t depth)
{
    pack_pairs(panel, rows, type, stride, count, depth, SLIM_COLUMNS);
}

static void load_narrow(void *left, const void *x, lt_dtype type, int64_t count)
{
    uint16_t *out = left;
    if (type == LT_BF16)
        memcpy(out, x, (size_t)count * sizeof *out);
    else
        FOR_VECTORS (i, some, count)
            vf_store_some(out, LT_BF16, i, some, vf_load_some(x, LT_F32, i, some));
    memset(out + count, 0, (size_t)(narrow_padded(count) - count) * sizeof *out);
}

#endif
