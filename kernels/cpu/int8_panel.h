/* int8_panel.h - what products of integers share: the codes of a panel, sums of them, and sums of a
 * unit on their way to f32. */
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

enum { LINE_ROWS = 14 }; /* as many sums of two vectors as registers hold */

/* sum[r] += left[r * stride ..] . lines, over `count` lines (at least 1) of four bytes for each of
 * 2 LT_LANES columns; stride in bytes. `add` multiplies and adds the four bytes of each lane. */
LT_INLINE void multiply_lines(vi sum[LINE_ROWS][2], const void *left, int64_t stride,
                              const void *lines, int64_t count, vi (*add)(vi sum, vi x, vi w))
{
    enum { LANE = sizeof(int32_t), LINE = 2 * LT_LANES * LANE };
    const char *base[2] = {left, (const char *)left + LT_ROW_SPAN * stride};
    LT_FORGET(base[1]);
    const char *at = lines;
    const char *const end = at + count * LINE;
    do { /* runs at least once: the sums stay in their registers */
        const vi line[2] = {load_line(at), load_line(at + LINE / 2)};
        LT_UNROLL
        for (int r = 0; r < LINE_ROWS; r++) {
            int32_t lane;
            memcpy(&lane, base[r / LT_ROW_SPAN] + r % LT_ROW_SPAN * stride, sizeof lane);
            for (int v = 0; v < 2; v++)
                sum[r][v] = add(sum[r][v], lane - (vi){0}, line[v]);
        }
        base[0] += LANE;
        base[1] += LANE;
        at += LINE;
    } while (at != end);
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

/* code[quads][columns][4] of rows[r][k], r < count, k < depth, 4 quads at most; zero beyond.
 * Squares of LT_LANES rows x LT_LANES quads are transposed. */
LT_INLINE void pack_quads(int8_t *code, int64_t quads, int64_t columns, const int8_t *rows,
                          int64_t stride, int64_t count, int64_t depth)
{
    for (int64_t q = 0; q < quads; q += LT_LANES) {
        const int64_t some = depth > 4 * q ? depth - 4 * q : 0;
        const int64_t lines = quads - q < LT_LANES ? quads - q : LT_LANES;
        for (int64_t first = 0; first < columns; first += LT_LANES) {
            vf square[LT_LANES];
            for (int64_t r = 0; r < LT_LANES; r++)
                square[r] = first + r < count
                                ? load_quads(rows + (first + r) * stride + 4 * q, some)
                                : vf_set(0);
            vf_transpose(square);
            for (int64_t i = 0; i < lines; i++)
                memcpy(code + ((q + i) * columns + first) * 4, &square[i], sizeof square[i]);
        }
    }
}

/* c[0 .. 2 LT_LANES) = (first ? 0 : itself) + x_scale w_scale sum. */
LT_INLINE void add_int8_sums(float *c, const vi sum[2], float x_scale, const float *w_scale,
                             bool first)
{
    LT_UNROLL
    for (int v = 0; v < 2; v++) {
        const vf before = first ? vf_set(0) : vf_load(c + v * LT_LANES);
        const vf scale = vf_load(w_scale + v * LT_LANES) * x_scale;
        vf_store(c + v * LT_LANES, vf_fma(__builtin_convertvector(sum[v], vf), scale, before));
    }
}

#endif
