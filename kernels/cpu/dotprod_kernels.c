/* dotprod_kernels.c - what Arm processors with SDOT, which adds four products of bytes in each of 4
 * lanes, do otherwise than with NEON alone: few rows against q4, and the int8 product, 8 x 8 sums
 * in registers, 16 inputs a step. Elsewhere the file is empty.
 */
#include "kernels/cpu/cpu_kernels.h"

#if defined(__aarch64__)
#define LT_LANES 4
#define LT_NEON
#include "kernels/cpu/few_rows.h"
#include "kernels/cpu/int8_panel.h"

const lt_few_rows lt_dotprod_rows = LT_FEW_ROWS;

enum { ROWS = 8, COLUMNS = 2 * LT_LANES, UNIT = 128, STEP = LT_BLOCK, DEPTH = 512 };

typedef struct {
    int8_t code[UNIT];
    float scale;
} left_unit;

typedef struct {
    float scale[COLUMNS];
    int8_t code[UNIT / 4][COLUMNS][4]; /* of a piece's last unit as many as there are */
} right_unit;

/* Of the unit that begins at input k: 8, 16, 24 or 32. */
static int64_t quads_of(int64_t k, int64_t depth)
{
    const int64_t padded = (depth + STEP - 1) / STEP * STEP;
    return (padded - k < UNIT ? padded - k : UNIT) / 4;
}

/* Four inputs of each row, those from 4 lane on, times their line of the panel. */
#define ADD_QUAD(lane)                                                                             \
    do {                                                                                           \
        const int8x16_t line = vld1q_s8(right + ((lane)*2 + v) * 16);                              \
        LT_UNROLL                                                                                  \
        for (int r = 0; r < ROWS; r++)                                                             \
            sum[r][v] = vdotq_laneq_s32(sum[r][v], line, x[r], lane);                              \
    } while (0)

static void multiply_units(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                           const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    (void)stretches;
    const char *unit = left;
    const right_unit *w = panel;
    for (int64_t k = 0; k < stretch->run;
         k += UNIT, w++, unit += sizeof(left_unit), first = false) {
        vi sum[ROWS][2] = {{{0}}};
        const int8_t *at = (const int8_t *)unit;
        const int8_t *right = w->code[0][0];
        const int8_t *end = right + quads_of(k, stretch->run) * COLUMNS * 4;
        do {
            int8x16_t x[ROWS];
            LT_UNROLL
            for (int r = 0; r < ROWS; r++)
                x[r] = vld1q_s8(at + r * left_stride);
            for (int v = 0; v < 2; v++)
                ADD_QUAD(0);
            for (int v = 0; v < 2; v++)
                ADD_QUAD(1);
            for (int v = 0; v < 2; v++)
                ADD_QUAD(2);
            for (int v = 0; v < 2; v++)
                ADD_QUAD(3);
            at += 16;
            right += 16 * COLUMNS;
        } while (right != end);
        LT_UNROLL
        for (int r = 0; r < ROWS; r++)
            add_int8_sums(c + r * c_stride, sum[r],
                          ((const left_unit *)(const void *)(unit + r * left_stride))->scale,
                          w->scale, first);
    }
}

static void load_units(void *left, const void *x, lt_dtype type, int64_t count)
{
    left_unit *to = left;
    for (int64_t k = 0; k < count; k += UNIT, to++)
        to->scale = round_unit(to->code, UNIT, x, type, k, count - k < UNIT ? count - k : UNIT);
}

static void pack_units(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                       int64_t depth)
{
    (void)type;
    right_unit *to = panel;
    for (int64_t k = 0; k < depth; k += UNIT, to++)
        pack_quads(to->code[0][0], quads_of(k, depth), COLUMNS, (const int8_t *)rows + k, stride,
                   count, depth - k);
}

const lt_product lt_dotprod_int8 = {
    .type = LT_I8,
    .rows = ROWS,
    .columns = COLUMNS,
    .step = STEP,
    .depth = DEPTH,
    .unit = UNIT,
    .unit_head = offsetof(right_unit, code),
    .left_pitch = DEPTH / UNIT * sizeof(left_unit),
    .pack = pack_units,
    .load = load_units,
    .multiply = multiply_units,
};
#endif
