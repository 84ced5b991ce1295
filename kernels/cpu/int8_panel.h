/* int8_panel.h - what the products of int8 share: the codes of a panel, and sums of a unit on their way to f32. */
#ifndef LT_INT8_PANEL_H
#define LT_INT8_PANEL_H

#include <stdbool.h>

#include "kernels/cpu/vec.h"

/* A vector of a panel; of several at once GCC 12 makes a copy in memory. */
LT_INLINE vi load_line(const void *panel)
{
    vi line;
    memcpy(&line, panel, sizeof line);
    return line;
}

/* LT_LANES quads (four inputs each) of a row; those beyond `some` inputs are zero. */
LT_INLINE vf load_quads(const int8_t *row, int64_t some)
{
    vf quads = {0};
    if (some >= 4 * LT_LANES)
        memcpy(&quads, row, sizeof quads);
    else
        memcpy(&quads, row, (size_t)some);
    return quads;
}

/* code[quads][columns][4] of rows[r][k], r < count, k < depth <= 4 quads; zero beyond. Squares of LT_LANES rows x LT_LANES quads
 * are transposed. */
LT_INLINE void pack_quads(int8_t *code, int64_t quads, int64_t columns, const int8_t *rows, int64_t stride, int64_t count,
                          int64_t depth)
{
    for (int64_t q = 0; q < quads; q += LT_LANES) {
        const int64_t some = depth > 4 * q ? depth - 4 * q : 0;
        const int64_t lines = quads - q < LT_LANES ? quads - q : LT_LANES;
        for (int64_t first = 0; first < columns; first += LT_LANES) {
            vf square[LT_LANES];
            for (int64_t r = 0; r < LT_LANES; r++)
                square[r] = first + r < count ? load_quads(rows + (first + r) * stride + 4 * q, some) : vf_set(0);
            vf_transpose(square);
            for (int64_t i = 0; i < lines; i++)
                memcpy(code + ((q + i) * columns + first) * 4, &square[i], sizeof square[i]);
        }
    }
}

/* c[0 .. 2 LT_LANES) = (first ? 0 : itself) + x_scale w_scale sum. */
LT_INLINE void add_int8_sums(float *c, const vi sum[2], float x_scale, const float *w_scale, bool first)
{
    LT_UNROLL
    for (int v = 0; v < 2; v++) {
        const vf before = first ? vf_set(0) : vf_load(c + v * LT_LANES);
        const vf scale = vf_load(w_scale + v * LT_LANES) * x_scale;
        vf_store(c + v * LT_LANES, vf_fma(__builtin_convertvector(sum[v], vf), scale, before));
    }
}

#endif
