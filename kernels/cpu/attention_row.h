/* attention_row.h - attention of one query, a step of the language model: keys and values are read
 * once, where they are. */
#ifndef LT_ATTENTION_ROW_H
#define LT_ATTENTION_ROW_H

#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/float_rows.h"
#include "kernels/cpu/product_wide.h"

enum { WIDE_VECTORS = 8 }; /* of a row that are summed in registers at once */

/* sums[0 .. vectors * LT_LANES) += sum over keys of weight . v, from column `column` on. */
LT_INLINE void add_columns(float *sums, const lt_query_block *b, lt_dtype type, int64_t first,
                           int64_t count, const float *weight, int64_t column, const int vectors)
{
    vf sum[WIDE_VECTORS];
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

LT_INLINE void add_values(float *sums, const lt_query_block *b, lt_dtype type, int64_t first,
                          int64_t count, const float *weight)
{
    int64_t i = 0;
    for (; i + WIDE_VECTORS * LT_LANES <= b->d; i += WIDE_VECTORS * LT_LANES)
        add_columns(sums, b, type, first, count, weight, i, WIDE_VECTORS);
    /* Sums of one vector wait for each other: so what is left is 4, 2 and 1 of them. */
    if (i + 4 * LT_LANES <= b->d) {
        add_columns(sums, b, type, first, count, weight, i, 4);
        i += 4 * LT_LANES;
    }
    if (i + 2 * LT_LANES <= b->d) {
        add_columns(sums, b, type, first, count, weight, i, 2);
        i += 2 * LT_LANES;
    }
    if (i + LT_LANES <= b->d) {
        add_columns(sums, b, type, first, count, weight, i, 1);
        i += LT_LANES;
    }
    if (i < b->d)
        for (int64_t j = 0; j < count; j++)
            vf_store(sums + i,
                     vf_load(sums + i) + weight[j] * vf_load_tail(b->v, type,
                                                                  (first + j) * b->v_stride + i,
                                                                  b->d - i));
}

LT_INLINE void attend_row_of(const lt_query_block *b, lt_dtype type, float *scratch)
{
    const int64_t padded = rounded_up(b->d, LT_LANES);
    float *q = scratch;
    float *sums = q + padded;
    float *score = sums + padded;
    memset(sums, 0, (size_t)padded * sizeof *sums);
    widen(q, b->q, type, b->d);
    scale_row(q, b->d, b->scale * LOG2E);
    float highest = LOWEST;
    float total = 0;
    const int64_t keys = seen_by(b, 0);
    for (int64_t first = 0; first < keys; first += KEY_TILE) {
        const int64_t count = keys - first < KEY_TILE ? keys - first : KEY_TILE;
        dot_all(score, 0, q, 0, 1, element(b->k, type, first * b->k_stride), type,
                b->k_stride * vf_element_bytes(type), b->d, true, count);
        const float now = vf_highest(
            vf_max(scale_scores(score, count, 1, b->bias == NULL ? NULL : b->bias + first),
                   vf_set(highest)));
        const float shrink = exp2f(highest - now);
        highest = now;
        total = total * shrink +
                vf_sum(weigh(score, score, count, rounded_up(count, LT_LANES), now, false));
        scale_row(sums, padded, shrink);
        add_values(sums, b, type, first, count, score);
    }
    store_row(b->out, type, 0, sums, b->d, 1.0f / total);
}

static void attend_row(const lt_query_block *b, void *scratch)
{
    if (b->type == LT_BF16)
        attend_row_of(b, LT_BF16, scratch);
    else
        attend_row_of(b, LT_F32, scratch);
}

#endif
