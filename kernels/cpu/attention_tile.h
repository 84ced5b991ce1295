/* attention_tile.h - softmax(scale q.k + bias) v for one block of queries, never holding more than a tile of scores.
 *
 * Keys come KEY_TILE at a time. Of each tile the scores are a matrix product, the weights are exp(score - highest so far),
 * and a second product adds weights . v to the result, after what is already there was scaled to the new highest score.
 *
 *     scratch:  q [QUERY_BLOCK][d+16] . keys, packed [d][...] -> scores [QUERY_BLOCK][KEY_TILE+16] . values, packed -> sums [QUERY_BLOCK][d]
 */
#ifndef LT_ATTENTION_TILE_H
#define LT_ATTENTION_TILE_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/matrix_tile.h"
#include "kernels/cpu/vec_math.h"

enum { KEY_TILE = LT_DEPTH, SCORE_PITCH = KEY_TILE + 16 };

LT_INLINE const void *element(const void *base, lt_dtype type, int64_t index)
{
    return (const char *)base + index * vf_element_bytes(type);
}

/* How many of `keys` the query sees. */
LT_INLINE int64_t seen_by(const lt_query_block *b, int64_t query)
{
    const int64_t seen = b->visible == NULL ? b->keys : b->visible[query];
    return seen < b->keys ? seen : b->keys;
}

/* panel[p][key][TILE_COLUMNS] = columns of v: what is summed over is the key. */
LT_INLINE void pack_values(float *panels, const lt_query_block *b, int64_t first, int64_t keys)
{
    for (int64_t column = 0; column < b->d; column += TILE_COLUMNS) {
        for (int64_t j = 0; j < keys; j++) {
            const int64_t at = (first + j) * b->v_stride + column;
            for (int part = 0; part < 2; part++, panels += LT_LANES) {
                const int64_t left = b->d - column - part * LT_LANES;
                const vf v = left >= LT_LANES ? vf_load_any(b->v, b->type, at + part * LT_LANES)
                             : left > 0       ? vf_load_tail(b->v, b->type, at + part * LT_LANES, left)
                                              : vf_set(0);
                vf_store(panels, v);
            }
        }
    }
}

/* Turns `count` scores into weights exp(score - *highest), zero from count on up to `padded`; returns the sum of the weights.
 * *highest becomes the new highest, *shrink what earlier weights must be multiplied with. */
LT_INLINE float soften(float *score, int64_t count, int64_t padded, const float *bias, float *highest, float *shrink)
{
    vf top = vf_set(*highest);
    int64_t j = 0;
    for (; j + LT_LANES <= count; j += LT_LANES) {
        vf s = vf_load(score + j);
        if (bias != NULL) {
            s += vf_load(bias + j);
            vf_store(score + j, s);
        }
        top = vf_max(top, s);
    }
    float now = vf_highest(top);
    for (; j < count; j++) {
        score[j] += bias == NULL ? 0 : bias[j];
        now = score[j] > now ? score[j] : now;
    }
    for (j = count; j < padded; j++)
        score[j] = -INFINITY;
    *shrink = *highest == now ? 1.0f : expf(*highest - now);
    *highest = now;
    vf sum = vf_set(0);
    for (j = 0; j < padded; j += LT_LANES) {
        const vf weight = vf_exp(vf_load(score + j) - now);
        vf_store(score + j, weight);
        sum += weight;
    }
    return vf_sum(sum);
}

LT_INLINE void scale_row(float *row, int64_t count, float factor)
{
    for (int64_t i = 0; i < count; i += LT_LANES)
        vf_store(row + i, vf_load(row + i) * factor);
}

LT_INLINE void store_row(void *out, lt_dtype type, int64_t at, const float *row, int64_t count, float factor)
{
    int64_t i = 0;
    for (; i + LT_LANES <= count; i += LT_LANES)
        vf_store_any(out, type, at + i, vf_load(row + i) * factor);
    if (i < count)
        vf_store_tail(out, type, at + i, count - i, vf_load(row + i) * factor);
}

static void attend(const lt_query_block *b, float *scratch)
{
    const int64_t d_padded = (b->d + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
    const int64_t q_pitch = d_padded + 16;
    const int64_t groups = (b->queries + TILE_ROWS - 1) / TILE_ROWS;
    float *q = scratch;
    float *sums = q + LT_QUERY_BLOCK * q_pitch;
    float *score = sums + LT_QUERY_BLOCK * d_padded;
    float *packed = score + LT_QUERY_BLOCK * SCORE_PITCH; /* keys, then values */
    float highest[LT_QUERY_BLOCK];
    float total[LT_QUERY_BLOCK];

    int64_t keys = 0;
    for (int64_t i = 0; i < groups * TILE_ROWS; i++) {
        memset(q + i * q_pitch, 0, (size_t)q_pitch * sizeof *q);
        if (i >= b->queries)
            continue;
        widen(q + i * q_pitch, element(b->q, b->type, i * b->q_stride), b->type, b->d);
        scale_row(q + i * q_pitch, d_padded, b->scale);
        highest[i] = -INFINITY;
        total[i] = 0;
        const int64_t seen = seen_by(b, i);
        keys = seen > keys ? seen : keys;
    }
    for (int64_t first = 0; first < keys; first += KEY_TILE) {
        const int64_t count = keys - first < KEY_TILE ? keys - first : KEY_TILE;
        const lt_stretch over_d = {.offset = 0, .run = b->d};
        for (int64_t j = 0; j < count; j += TILE_COLUMNS) {
            const int64_t some = count - j < TILE_COLUMNS ? count - j : TILE_COLUMNS;
            pack_panel(packed, element(b->k, b->type, (first + j) * b->k_stride), b->type, b->k_stride, some, b->d, NULL);
            for (int64_t g = 0; g < groups; g++)
                multiply(score + g * TILE_ROWS * SCORE_PITCH + j, SCORE_PITCH, q + g * TILE_ROWS * q_pitch, q_pitch, &over_d, 1,
                         packed, true);
        }
        const int64_t padded = (count + LT_LANES - 1) / LT_LANES * LT_LANES;
        for (int64_t i = 0; i < b->queries; i++) {
            float *row = score + i * SCORE_PITCH;
            int64_t seen = seen_by(b, i) - first;
            if (seen <= 0) {
                memset(row, 0, (size_t)padded * sizeof *row);
                continue;
            }
            seen = seen < count ? seen : count;
            float shrink;
            const float *bias = b->bias == NULL ? NULL : b->bias - i + first;
            const float sum = soften(row, seen, padded, bias, &highest[i], &shrink);
            total[i] = total[i] * shrink + sum;
            if (shrink != 1.0f && first > 0)
                scale_row(sums + i * d_padded, d_padded, shrink);
        }
        pack_values(packed, b, first, count);
        const lt_stretch over_keys = {.offset = 0, .run = count};
        for (int64_t column = 0; column < b->d; column += TILE_COLUMNS)
            for (int64_t g = 0; g < groups; g++)
                multiply(sums + g * TILE_ROWS * d_padded + column, d_padded, score + g * TILE_ROWS * SCORE_PITCH, SCORE_PITCH,
                         &over_keys, 1, packed + column * count, first == 0);
    }
    for (int64_t i = 0; i < b->queries; i++)
        store_row(b->out, b->type, i * b->out_stride, sums + i * d_padded, b->d, 1.0f / total[i]);
}

/* ---- one query: k and v are read once, where they are ---- */

enum { WIDE = 8 }; /* vectors of a row that are summed in registers at once */

/* sums[0 .. vectors * LT_LANES) += sum over keys of weight . v, from column `column` on. */
LT_INLINE void add_columns(float *sums, const lt_query_block *b, lt_dtype type, int64_t first, int64_t count, const float *weight,
                           int64_t column, const int vectors)
{
    vf sum[WIDE];
    LT_UNROLL
    for (int i = 0; i < vectors; i++)
        sum[i] = vf_load(sums + column + i * LT_LANES);
    for (int64_t j = 0; j < count; j++) {
        const int64_t at = (first + j) * b->v_stride + column;
        LT_UNROLL
        for (int i = 0; i < vectors; i++) {
            __builtin_prefetch(element(b->v, type, at + 8 * b->v_stride + i * LT_LANES));
            sum[i] = vf_fma(vf_set(weight[j]), vf_load_any(b->v, type, at + i * LT_LANES), sum[i]);
        }
    }
    LT_UNROLL
    for (int i = 0; i < vectors; i++)
        vf_store(sums + column + i * LT_LANES, sum[i]);
}

LT_INLINE void add_values(float *sums, const lt_query_block *b, lt_dtype type, int64_t first, int64_t count, const float *weight)
{
    int64_t i = 0;
    for (; i + WIDE * LT_LANES <= b->d; i += WIDE * LT_LANES)
        add_columns(sums, b, type, first, count, weight, i, WIDE);
    for (; i + LT_LANES <= b->d; i += LT_LANES)
        add_columns(sums, b, type, first, count, weight, i, 1);
    if (i < b->d)
        for (int64_t j = 0; j < count; j++)
            vf_store(sums + i, vf_load(sums + i) + weight[j] * vf_load_tail(b->v, type, (first + j) * b->v_stride + i, b->d - i));
}

LT_INLINE void attend_row_of(const lt_query_block *b, lt_dtype type, float *scratch)
{
    const int64_t d_padded = (b->d + LT_LANES - 1) / LT_LANES * LT_LANES;
    float *q = scratch;
    float *sums = q + d_padded;
    float *score = sums + d_padded;
    memset(q, 0, (size_t)d_padded * 2 * sizeof *q);
    widen(q, b->q, b->type, b->d);
    scale_row(q, d_padded, b->scale);
    float highest = -INFINITY;
    float total = 0;
    const int64_t keys = seen_by(b, 0);
    for (int64_t first = 0; first < keys; first += KEY_TILE) {
        const int64_t count = keys - first < KEY_TILE ? keys - first : KEY_TILE;
        dot_all(score, 0, q, 0, 1, element(b->k, type, first * b->k_stride), type, b->k_stride * vf_element_bytes(type), b->d, count,
                NULL);
        float shrink;
        const float sum = soften(score, count, (count + LT_LANES - 1) / LT_LANES * LT_LANES, b->bias == NULL ? NULL : b->bias + first,
                                 &highest, &shrink);
        total = total * shrink + sum;
        scale_row(sums, d_padded, shrink);
        add_values(sums, b, type, first, count, score);
    }
    store_row(b->out, type, 0, sums, b->d, 1.0f / total);
}

static void attend_row(const lt_query_block *b, float *scratch)
{
    if (b->type == LT_BF16)
        attend_row_of(b, LT_BF16, scratch);
    else
        attend_row_of(b, LT_F32, scratch);
}

#endif
