/* avx512bf16_kernels.c - the bf16 product of AVX512-BF16: 14 x 32 sums in registers, two inputs a step. */
#if defined(__x86_64__)
#define LT_LANES 16
#define NARROW_STEP 2
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/product_narrow.h"

enum { NARROW_ROWS = 14 };

static void multiply_narrow(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                            const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    const uint16_t *right = panel;
    vf sum[NARROW_ROWS][2];
    const float *from = c;
    LT_UNROLL
    for (int r = 0; r < NARROW_ROWS; r++, from += c_stride) {
        sum[r][0] = first ? vf_set(0) : vf_load(from);
        sum[r][1] = first ? vf_set(0) : vf_load(from + LT_LANES);
    }
    LT_FORGET(c_stride);
    const lt_stretch *last = stretch + stretches;
    do {
        const uint16_t *row = (const uint16_t *)left + stretch->offset;
        const uint16_t *end = right + stretch->run * NARROW_COLUMNS;
        do {
            const __m512bh low = (__m512bh)_mm512_loadu_si512(right);
            const __m512bh high = (__m512bh)_mm512_loadu_si512(right + NARROW_COLUMNS);
            LT_UNROLL
            for (int r = 0; r < NARROW_ROWS; r++) {
                int32_t pair;
                memcpy(&pair, row + r * left_stride, sizeof pair);
                const __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
                sum[r][0] = _mm512_dpbf16_ps(sum[r][0], x, low);
                sum[r][1] = _mm512_dpbf16_ps(sum[r][1], x, high);
            }
            row += NARROW_STEP;
            right += NARROW_STEP * NARROW_COLUMNS;
        } while (right != end);
    } while (++stretch != last);
    LT_UNROLL
    for (int r = 0; r < NARROW_ROWS; r++, c += c_stride) {
        vf_store(c, sum[r][0]);
        vf_store(c + LT_LANES, sum[r][1]);
    }
}

static void attend(const lt_query_block *b, void *scratch)
{
    attend_with(b, scratch, &lt_avx512bf16_kernels.product, true);
}

const lt_narrow_kernels lt_avx512bf16_kernels = {
    .product = {
        .type = LT_BF16,
        .rows = NARROW_ROWS,
        .columns = NARROW_COLUMNS,
        .step = NARROW_STEP,
        .depth = NARROW_DEPTH,
        .pack = pack_narrow,
        .load = load_narrow,
        .multiply = multiply_narrow,
    },
    .attend = attend,
};
#endif
