/* product_wide.h - the f32 product of a tile, and what becomes of its sums.
 *
 *     panel[depth][columns]
 *     wide: WIDE_ROWS x 2 vectors of sums in registers, 6 x 16 with AVX2 (12 of 16), 14 x 32 with
 *           AVX-512 (28 of 32), 8 x 8 with NEON (16 of 32)
 *     slim: twice the rows (NEON: 12) x 1 vector, for few outputs
 */
#ifndef LT_PRODUCT_WIDE_H
#define LT_PRODUCT_WIDE_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/vec_math.h"

#if LT_LANES == 16
enum { WIDE_ROWS = 14 };
#elif LT_LANES == 8
enum { WIDE_ROWS = 6 };
#elif defined(LT_NEON)
enum { WIDE_ROWS = 8 };
#else
enum { WIDE_ROWS = 4 };
#endif
enum {
    WIDE_COLUMNS = 2 * LT_LANES,
#if defined(LT_NEON)
    SLIM_ROWS = 12, /* each takes two registers */
#else
    SLIM_ROWS = 2 * WIDE_ROWS,
#endif
    SLIM_COLUMNS = LT_LANES,
    WIDE_DEPTH = 24576 / (4 * WIDE_COLUMNS) /* 24 KB of panel */
};

#if defined(LT_NEON)
/* Input `lane` of each row times its line of the panel. */
#define ADD_LANE(lane)                                                                             \
    do {                                                                                           \
        const vf line = vf_load(right + ((lane)*vectors + v) * LT_LANES);                          \
        LT_UNROLL                                                                                  \
        for (int r = 0; r < rows; r++)                                                             \
            sum[r][v] = vfmaq_laneq_f32(sum[r][v], line, x[r], lane);                              \
    } while (0)

/* sum[r][v] += left . panel over `run` inputs, row r from base[r / LT_ROW_SPAN] on. NEON multiplies
 * a vector by a lane of another, so four inputs of a row are one load: 0.25 loads for each
 * multiply-add of the wide tile, where broadcasting takes 0.63. */
LT_INLINE void add_products(vf sum[SLIM_ROWS][2], const float *base[LT_ROW_SPANS],
                            int64_t left_stride, const float *right, int64_t run, const int rows,
                            const int vectors)
{
    enum { QUAD = 4 };
    for (; run >= QUAD; run -= QUAD) {
        vf x[SLIM_ROWS];
        LT_UNROLL
        for (int r = 0; r < rows; r++)
            x[r] = vf_load(base[r / LT_ROW_SPAN] + r % LT_ROW_SPAN * left_stride);
        for (int v = 0; v < vectors; v++)
            ADD_LANE(0);
        for (int v = 0; v < vectors; v++)
            ADD_LANE(1);
        for (int v = 0; v < vectors; v++)
            ADD_LANE(2);
        for (int v = 0; v < vectors; v++)
            ADD_LANE(3);
        LT_UNROLL
        for (int i = 0; i < LT_ROW_SPANS; i++)
            base[i] += QUAD;
        right += QUAD * vectors * LT_LANES;
    }
    for (; run > 0; run--) {
        LT_UNROLL
        for (int r = 0; r < rows; r++) {
            const float x = base[r / LT_ROW_SPAN][r % LT_ROW_SPAN * left_stride];
            for (int v = 0; v < vectors; v++)
                sum[r][v] = vfmaq_n_f32(sum[r][v], vf_load(right + v * LT_LANES), x);
        }
        LT_UNROLL
        for (int i = 0; i < LT_ROW_SPANS; i++)
            base[i]++;
        right += vectors * LT_LANES;
    }
}

#endif

LT_INLINE void multiply_vectors(float *c, int64_t c_stride, const float *left, int64_t left_stride,
                                const lt_stretch *stretch, int stretches, const float *right,
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
    do { /* loops that run at least once: the sums stay in their registers */
        const float *base[LT_ROW_SPANS] = {left + stretch->offset};
        LT_UNROLL
        for (int i = 1; i < LT_ROW_SPANS; i++) {
            base[i] = base[i - 1] + LT_ROW_SPAN * left_stride;
            LT_FORGET(base[i]);
        }
        const float *end = right + stretch->run * vectors * LT_LANES;
#if defined(LT_NEON)
        add_products(sum, base, left_stride, right, stretch->run, rows, vectors);
        right = end;
#else
        do {
            vf line[2];
            for (int v = 0; v < vectors; v++)
                line[v] = vf_load(right + v * LT_LANES);
            LT_UNROLL
            for (int r = 0; r < rows; r++) {
                const vf x = vf_set(base[r / LT_ROW_SPAN][r % LT_ROW_SPAN * left_stride]);
                for (int v = 0; v < vectors; v++)
                    sum[r][v] = vf_fma(x, line[v], sum[r][v]);
            }
            LT_UNROLL
            for (int i = 0; i < LT_ROW_SPANS; i++)
                base[i]++;
            right += vectors * LT_LANES;
        } while (right != end);
#endif
    } while (++stretch != last);
    LT_UNROLL
    for (int r = 0; r < rows; r++, c += c_stride)
        for (int v = 0; v < vectors; v++)
            vf_store(c + v * LT_LANES, sum[r][v]);
}

static void multiply_wide(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    multiply_vectors(c, c_stride, left, left_stride, stretch, stretches, panel, first, WIDE_ROWS,
                     2);
}

static void multiply_slim(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first)
{
    multiply_vectors(c, c_stride, left, left_stride, stretch, stretches, panel, first, SLIM_ROWS,
                     1);
}

/* Squares of LT_LANES rows x LT_LANES inputs are widened, transposed and written down the panel: as
 * few rows at a time as that takes, for they often lie in a page each. */
LT_INLINE void pack_columns_of(float *panel, const char *rows, lt_dtype type, int64_t stride,
                               int64_t count, int64_t depth, int64_t columns)
{
    const int64_t row_bytes = stride * vf_element_bytes(type);
    for (int64_t first = 0; first < columns;
         first += LT_LANES, rows += LT_LANES * row_bytes, panel += LT_LANES)
        for (int64_t k = 0; k < depth; k += LT_LANES) {
            const int64_t some = depth - k < LT_LANES ? depth - k : LT_LANES;
            vf square[LT_LANES];
            if (first + LT_LANES <= count && some == LT_LANES) {
                LT_UNROLL
                for (int64_t r = 0; r < LT_LANES; r++)
                    square[r] = vf_load_any(rows + r * row_bytes, type, k);
            } else {
                for (int64_t r = 0; r < LT_LANES; r++)
                    square[r] = first + r < count
                                    ? vf_load_some(rows + r * row_bytes, type, k, some)
                                    : vf_set(0);
            }
            vf_transpose(square);
            for (int64_t i = 0; i < some; i++)
                vf_store(panel + (k + i) * columns, square[i]);
        }
}

static void pack_columns(float *panel, const void *rows, lt_dtype type, int64_t stride,
                         int64_t count, int64_t depth, int64_t columns)
{
    switch (type) {
    case LT_BF16:
        pack_columns_of(panel, rows, LT_BF16, stride, count, depth, columns);
        break;
    case LT_F16:
        pack_columns_of(panel, rows, LT_F16, stride, count, depth, columns);
        break;
    case LT_I8:
        pack_columns_of(panel, rows, LT_I8, stride, count, depth, columns);
        break;
    default:
        pack_columns_of(panel, rows, LT_F32, stride, count, depth, columns);
    }
}

static void pack_wide(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                      int64_t depth)
{
    pack_columns(panel, rows, type, stride, count, depth, WIDE_COLUMNS);
}

static void pack_slim(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                      int64_t depth)
{
    pack_columns(panel, rows, type, stride, count, depth, SLIM_COLUMNS);
}

LT_INLINE void widen_of(float *out, const void *x, lt_dtype type, int64_t count)
{
    FOR_VECTORS (i, some, count)
        vf_store_some(out, LT_F32, i, some, vf_load_some(x, type, i, some));
}

static void widen(float *out, const void *x, lt_dtype type, int64_t count)
{
    switch (type) {
    case LT_BF16:
        widen_of(out, x, LT_BF16, count);
        break;
    case LT_F16:
        widen_of(out, x, LT_F16, count);
        break;
    case LT_I8:
        widen_of(out, x, LT_I8, count);
        break;
    default:
        memcpy(out, x, (size_t)count * sizeof *out);
    }
}

static void load_wide(void *left, const void *x, lt_dtype type, int64_t count)
{
    widen(left, x, type, count);
}

/* clang-format off */
#define LT_WIDE_PRODUCT                                                                            \
    {.type = LT_F32, .rows = WIDE_ROWS, .columns = WIDE_COLUMNS, .step = 1, .depth = WIDE_DEPTH,   \
     .pack = pack_wide, .load = load_wide, .multiply = multiply_wide}
#define LT_SLIM_PRODUCT                                                                            \
    {.type = LT_F32, .rows = SLIM_ROWS, .columns = SLIM_COLUMNS, .step = 1, .depth = WIDE_DEPTH,   \
     .pack = pack_slim, .load = load_wide, .multiply = multiply_slim}
/* clang-format on */

/* ---- sums on their way out ---- */

LT_INLINE vf finished(vf sum, const lt_finish *f, lt_dtype add_type, int64_t row, int64_t column,
                      int64_t some)
{
    if (f->scale != NULL)
        sum *= vf_load_some(f->scale, LT_F32, column, some);
    if (f->bias != NULL)
        sum += vf_load_some(f->bias, LT_F32, column, some);
    sum = vf_activate(sum, f->act);
    if (f->add != NULL)
        sum += vf_load_some(f->add, add_type, row * f->add_stride + column, some);
    return sum;
}

LT_INLINE void finish_of(void *out, lt_dtype type, int64_t out_stride, const float *c,
                         int64_t c_stride, int64_t rows, int64_t columns, const lt_finish *f,
                         lt_dtype add_type)
{
    for (int64_t r = 0; r < rows; r++)
        FOR_VECTORS (i, some, columns)
            vf_store_some(
                out, type, r * out_stride + i, some,
                finished(vf_load_some(c, LT_F32, r * c_stride + i, some), f, add_type, r, i, some));
}

static void finish(void *out, lt_dtype type, int64_t out_stride, const float *c, int64_t c_stride,
                   int64_t rows, int64_t columns, const lt_finish *f)
{
    if (type == LT_F32 && (f->add == NULL || f->add_type == LT_F32))
        finish_of(out, LT_F32, out_stride, c, c_stride, rows, columns, f, LT_F32);
    else
        finish_of(out, type, out_stride, c, c_stride, rows, columns, f, f->add_type);
}

#endif
