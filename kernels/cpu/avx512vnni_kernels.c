/* avx512vnni_kernels.c - the int8 product of AVX512-VNNI: 14 x 32 sums in registers, four inputs a
 * step.
 *
 * The instruction takes bytes without a sign on its left side, so 128 is added to every code of x.
 * What that adds to a sum, 128 (sum of the unit's codes of W), is known when the panel is packed:
 * sums begin with its negative.
 */
#if defined(__x86_64__)
#define LT_LANES 16
#include <stddef.h>

#include "kernels/core/weight.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/int8_panel.h"
#include "kernels/cpu/int8_rounding.h"

enum { COLUMNS = 2 * LT_LANES, UNIT = 128, STEP = LT_BLOCK, DEPTH = 512, SIGN = 128 };

typedef struct {
    uint8_t code[UNIT];
    float scale;
} left_unit;

typedef struct {
    float scale[COLUMNS];
    int32_t begin[COLUMNS];            /* of a sum */
    int8_t code[UNIT / 4][COLUMNS][4]; /* of a piece's last unit as many as there are */
} right_unit;

LT_INLINE vi add_int8(vi sum, vi x, vi w)
{
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
}

/* Of the unit that begins at input k. */
LT_INLINE int64_t quads_of(int64_t k, int64_t depth)
{
    const int64_t padded = (depth + STEP - 1) / STEP * STEP;
    return (padded - k < UNIT ? padded - k : UNIT) / 4;
}

static void multiply_int8(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    (void)stretches;
    const char *x = left;
    const right_unit *w = panel;
    for (int64_t k = 0; k < stretch->run; k += UNIT, w++, x += sizeof(left_unit), first = false) {
        vi sum[LINE_ROWS][2];
        LT_UNROLL
        for (int r = 0; r < LINE_ROWS; r++)
            for (int v = 0; v < 2; v++)
                sum[r][v] = load_line(w->begin + v * LT_LANES);
        multiply_lines(sum, x, left_stride, w->code, quads_of(k, stretch->run), add_int8);
        LT_UNROLL
        for (int r = 0; r < LINE_ROWS; r++)
            add_int8_sums(c + r * c_stride, sum[r],
                          ((const left_unit *)(const void *)(x + r * left_stride))->scale, w->scale,
                          first);
    }
}

static void load_int8(void *left, const void *x, lt_dtype type, int64_t count)
{
    left_unit *to = left;
    for (int64_t k = 0; k < count; k += UNIT, to++) {
        int8_t code[UNIT];
        to->scale = round_unit(code, UNIT, x, type, k, count - k < UNIT ? count - k : UNIT);
        for (int i = 0; i < UNIT; i++)
            to->code[i] = (uint8_t)(code[i] + SIGN);
    }
}

static void pack_int8(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                      int64_t depth)
{
    (void)type;
    right_unit *to = panel;
    const vi signs = (vi)(SIGN * 0x01010101u - (vu){0});
    for (int64_t k = 0; k < depth; k += UNIT, to++) {
        const int64_t quads = quads_of(k, depth);
        pack_quads(to->code[0][0], quads, COLUMNS, (const int8_t *)rows + k, stride, count,
                   depth - k);
        for (int first = 0; first < COLUMNS; first += LT_LANES) {
            vi sum = {0};
            for (int64_t q = 0; q < quads; q++)
                sum = add_int8(sum, signs, load_line(to->code[q][first]));
            sum = -sum;
            memcpy(to->begin + first, &sum, sizeof sum);
        }
    }
}

const lt_product lt_avx512vnni_int8 = {
    .type = LT_I8,
    .rows = LINE_ROWS,
    .columns = COLUMNS,
    .step = STEP,
    .depth = DEPTH,
    .unit = UNIT,
    .unit_head = offsetof(right_unit, code),
    .left_pitch = DEPTH / UNIT * sizeof(left_unit),
    .pack = pack_int8,
    .load = load_int8,
    .multiply = multiply_int8,
};
#endif
