/* avx512vnni_kernels.c - the int8 product of AVX512-VNNI: 14 x 32 sums in registers, four inputs a step.
 *
 * The instruction takes bytes without a sign on its left side, so 128 is added to every code of x. What that adds to a sum,
 * 128 (sum of the unit's codes of W), is known when the panel is packed: sums begin with its negative.
 */
#if defined(__x86_64__)
#define LT_LANES 16
#include <stddef.h>

#include "kernels/core/weight.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/int8_panel.h"
#include "kernels/cpu/int8_rounding.h"

enum { ROWS = 14, COLUMNS = 2 * LT_LANES, UNIT = LT_BLOCK, QUADS = UNIT / 4, DEPTH = 512, SIGN = 128 };

typedef struct {
    uint8_t code[UNIT];
    float scale;
} left_unit;

typedef struct {
    float scale[COLUMNS];
    int32_t begin[COLUMNS]; /* of a sum */
    int8_t code[QUADS][COLUMNS][4];
} right_unit;

static void multiply_int8(float *c, int64_t c_stride, const void *left, int64_t left_stride, const lt_stretch *stretch,
                          int stretches, const void *panel, bool first)
{
    (void)stretches;
    const char *x = left;
    const right_unit *w = panel;
    for (int64_t k = 0; k < stretch->run; k += UNIT, w++, x += sizeof(left_unit), first = false) {
        vi sum[ROWS][2];
        LT_UNROLL
        for (int r = 0; r < ROWS; r++)
            for (int v = 0; v < 2; v++)
                sum[r][v] = load_line(w->begin + v * LT_LANES);
        const char *base[2] = {x, x + LT_ROW_SPAN * left_stride};
        LT_FORGET(base[1]);
        for (int q = 0; q < QUADS; q++) {
            const vi line[2] = {load_line(w->code[q][0]), load_line(w->code[q][LT_LANES])};
            LT_UNROLL
            for (int r = 0; r < ROWS; r++) {
                int32_t quad;
                memcpy(&quad, base[r / LT_ROW_SPAN] + r % LT_ROW_SPAN * left_stride, sizeof quad);
                for (int v = 0; v < 2; v++)
                    sum[r][v] = (vi)_mm512_dpbusd_epi32((__m512i)sum[r][v], (__m512i)(quad - (vi){0}), (__m512i)line[v]);
            }
            base[0] += sizeof(int32_t);
            base[1] += sizeof(int32_t);
        }
        LT_UNROLL
        for (int r = 0; r < ROWS; r++)
            add_int8_sums(c + r * c_stride, sum[r], ((const left_unit *)(const void *)(x + r * left_stride))->scale, w->scale, first);
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

static void pack_int8(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count, int64_t depth)
{
    (void)type;
    for (int64_t k = 0; k < depth; k += UNIT) {
        right_unit *to = (right_unit *)panel + k / UNIT;
        pack_quads(to->code[0][0], QUADS, COLUMNS, (const int8_t *)rows + k, stride, count, depth - k < UNIT ? depth - k : UNIT);
        for (int column = 0; column < COLUMNS; column++) {
            int32_t sum = 0;
            for (int i = 0; i < UNIT; i++)
                sum += to->code[i / 4][column][i % 4];
            to->begin[column] = -SIGN * sum;
        }
    }
}

const lt_product lt_avx512vnni_int8 = {
    .type = LT_I8,
    .rows = ROWS,
    .columns = COLUMNS,
    .step = UNIT,
    .depth = DEPTH,
    .unit = UNIT,
    .unit_head = offsetof(right_unit, code),
    .left_pitch = DEPTH / UNIT * sizeof(left_unit),
    .pack = pack_int8,
    .load = load_int8,
    .multiply = multiply_int8,
};
#endif
