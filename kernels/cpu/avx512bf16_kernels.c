/* avx512bf16_kernels.c - the bf16 product of AVX512-BF16: 14 x 32 or 28 x 16 sums in registers,
 * two inputs a step. */
#if defined(__x86_64__)
#define LT_LANES    16
#define NARROW_STEP 2
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/product_narrow.h"

enum { NARROW_ROWS = 14, SLIM_ROWS = 28 };

LT_INLINE void multiply_pairs(float *c, int64_t c_stride, const uint16_t *left, int64_t left_stride,
                              const lt_stretch *stretch, int stretches, const uint16_t *right,
                              bool first, const int rows, const int vectors)
{
    vf sum[SLIM_ROWS][2];
    const float *from = c;
    LT_UNROLL
    for (int r = 0; r < rows; r++, from += c_stride)
        for (int v = 0; v < vectors; v++)
            sum[r][v] = first ? vf_set(0) : vf_load(from + v * LT_LANES);
    LT_FORGET(c_stride);
    const lt_stretch *last = stretch + stretches;
    do {
        const uint16_t *base[LT_ROW_SPANS] = {left + stretch->offset};
        LT_UNROLL
        for (int i = 1; i < LT_ROW_SPANS; i++) {
            base[i] = base[i - 1] + LT_ROW_SPAN * left_stride;
            LT_FORGET(base[i]);
        }
        const uint16_t *end = right + stretch->run * vectors * LT_LANES;
        do {
            __m512bh line[2];
            for (int v = 0; v < vectors; v++)
                line[v] = (__m512bh)_mm512_loadu_si512(right + v * PAIR_LANES);
            LT_UNROLL
            for (int r = 0; r < rows; r++) {
                int32_t pair;
                memcpy(&pair, base[r / LT_ROW_SPAN] + r % LT_ROW_SPAN * left_stride, sizeof pair);
                const __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
                for (int v = 0; v < vectors; v++)
                    sum[r][v] = _mm512_dpbf16_ps(sum[r][v], x, line[v]);
            }
            LT_UNROLL
            for (int i = 0; i < LT_ROW_SPANS; i++)
                base[i] += NARROW_STEP;
            right += vectors * PAIR_LANES;
        } while (right != end);
    } while (++stretch != last);
    LT_UNROLL
    for (int r = 0; r < rows; r++, c += c_stride)
        for (int v = 0; v < vectors; v++)
            vf_store(c + v * LT_LANES, sum[r][v]);
}

static void multiply_narrow(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                            const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    multiply_pairs(c, c_stride, left, left_stride, stretch, stretches, panel, first, NARROW_ROWS,
                   2);
}

static void multiply_half(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    multiply_pairs(c, c_stride, left, left_stride, stretch, stretches, panel, first,
                   NARROW_ROWS / 2, 2);
}

static void multiply_slim(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    multiply_pairs(c, c_stride, left, left_stride, stretch, stretches, panel, first, SLIM_ROWS, 1);
}

static void attend(const lt_query_block *b, void *scratch)
{
    attend_with(b, scratch, &lt_avx512bf16_kernels.wide, true);
}

const lt_narrow_kernels lt_avx512bf16_kernels = {
    .wide =
        {
            .type = LT_BF16,
            .rows = NARROW_ROWS,
            .columns = NARROW_COLUMNS,
            .step = NARROW_STEP,
            .depth = NARROW_DEPTH,
            .fetches = true,
            .pack = pack_narrow,
            .load = load_narrow,
            .multiply = multiply_narrow,
            .multiply_half = multiply_half,
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
        },
    .attend = attend,
};
#endif
