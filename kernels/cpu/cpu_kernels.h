/* cpu_kernels.h - what one instruction set brings: the inner parts of every operation, on one
 * thread.
 *
 * The drivers (cpu_linear.c, cpu_conv.c, ...) cut an operation into tiles and call these for each.
 * One table per instruction set is built from the same sources: generic_kernels.c, neon_kernels.c,
 * avx2_kernels.c, avx512_kernels.c. Processors that multiply bf16 have products of it besides:
 * avx512bf16_kernels.c, amx_kernels.c; those that multiply bytes, better ones of int8:
 * avx512vnni_kernels.c, amx_int8_kernels.c, dotprod_kernels.c; and pairs of 16 bits, such products
 * of bf16: avx512vnni_int16_kernels.c. Products of a few rows may differ more finely still, by what
 * the processor adds (avx512vnni_rows_kernels.c, dotprod_kernels.c) and how it likes to be asked
 * for memory (avx512vnni_far_rows_kernels.c). `type` is LT_F32 or LT_BF16, of every activation of a
 * call; sums are f32.
 */
#ifndef LT_CPU_KERNELS_H
#define LT_CPU_KERNELS_H

#include <stdbool.h>

#include "kernels/backend.h"

enum {
    LT_VECTOR_ROWS = 4, /* up to so many rows a product is done by lt_few_rows */
    /* elements behind each row of a block: rows of 2^n bytes share few cache sets */
    LT_ROW_GAP = 32,
    LT_STEP_MAX = 32 /* the largest `step` of any product */
};

/* A stretch of a dot product: `run` consecutive elements of the left side, from `offset` on. */
typedef struct {
    int64_t offset;
    int64_t run; /* at least 1, a multiple of the product's step */
} lt_stretch;

/* The matrix product of one tile. Left: rows of elements, any distance apart (a block of x, or the
 * pixels of an image: then rows overlap). Right: panels, `columns` outputs side by side, so that
 * one load serves all rows. Both of one element type, sums in f32. Every output is summed over the
 * depth in one order, whatever tile it falls into.
 *
 * A product of int8 (type LT_I8) cuts the depth into units, whose inputs share a scale: one of the
 * row of x, one of the column. `load` rounds x and keeps its scales beside the codes, left_pitch
 * bytes a row; left_stride is in bytes. In a panel each unit is scales[columns], f32, what the
 * product likes behind them, and codes: `pack` takes codes (LT_I8) and writes all but the scales.
 * There is one stretch, from the row's first input on. A product of int16 (LT_U16: the size of a
 * code) is the same, but its `pack` takes values and writes everything, and left_stride is in
 * codes. */
typedef struct {
    lt_dtype type;
    int rows;
    int columns;
    int step;       /* inputs that are summed at once; runs are padded with zeros to a multiple */
    int depth;      /* the longest product at once: its part of a panel fits the L1 cache */
    int unit;       /* inputs, divides depth; 0: floats */
    int unit_head;  /* bytes before the codes of a unit of a panel */
    int left_pitch; /* bytes */
    bool fetches;   /* what a panel is made from is asked for while the one before is multiplied */
    /* Panel of rows[r][k], r < count <= columns, `stride` elements apart; zero up to `columns` and
     * the padded depth. */
    void (*pack)(void *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count,
                 int64_t depth);
    /* left[i] = x[i], zero up to the padded count; type f32 or bf16. */
    void (*load)(void *left, const void *x, lt_dtype type, int64_t count);
    /* c[r * c_stride + column] = (first ? 0 : itself) + sum over stretches of left[r * left_stride
     * + offset ..] . panel, for all rows x columns. */
    void (*multiply)(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                     const lt_stretch *stretch, int stretches, const void *panel, bool first);
    /* The same of the first rows / 2 rows alone, where a block ends; NULL: there is none. */
    void (*multiply_half)(float *c, int64_t c_stride, const void *left, int64_t left_stride,
                          const lt_stretch *stretch, int stretches, const void *panel, bool first);
    void (*begin)(void); /* around the products of a tile, on its thread; NULL: nothing to do */
    void (*end)(void);
} lt_product;

/* What happens to a finished sum on its way to memory: out = act(sum * scale + bias) + add. */
typedef struct {
    const float *scale; /* of the first column, or NULL */
    const float *bias;
    const void *add;    /* like out, or NULL */
    int64_t add_stride; /* elements between rows */
    lt_dtype add_type;
    lt_act act;
} lt_finish;

/* A block of queries of one head against all its keys; pointers stand at the block's first query
 * and the head's first key. */
typedef struct {
    void *out;
    const void *q;
    const void *k;
    const void *v;
    int64_t out_stride; /* elements from row to row */
    int64_t q_stride;
    int64_t k_stride;
    int64_t v_stride;
    int64_t queries; /* at most LT_QUERY_BLOCK */
    int64_t keys;
    int64_t d;
    lt_dtype type;
    float scale;
    const int32_t *visible; /* per query, or NULL */
    /* of (first query, first key): one back per query, one on per key; or NULL */
    const float *bias;
} lt_query_block;

enum {
    LT_QUERY_PART = 96, /* queries that are scored at once: 96 x 256 scores stay in the L2 cache */
    LT_QUERY_BLOCK = 384,         /* queries that share the packing of keys and values; */
    LT_ROUNDED_QUERY_BLOCK = 768, /* where they are rounded too, and heads have */
    LT_WIDE_HEAD = 128            /* elements or less */
};

/* A row rounded to 8 bits per block of 32; room for blocks up to a
 * multiple of 16. For q8, to 16 bits. */
typedef struct {
    int8_t *codes; /* [depth], some blocks interleaved: rounded_rows.h */
    float *scale;  /* [blocks], or [blocks][4]: the same four times */
    float *offset; /* [blocks], 8 times the sum of the values */
} lt_rounded_row;

/* Up to LT_VECTOR_ROWS rows against a matrix that is streamed from memory: few_rows.h. */
typedef struct {
    /* y[r * y_stride + o] = x[r * x_stride ..] . w[o * depth ..] for o < outputs, r < rows. */
    void (*matrix_vector)(float *y, int64_t y_stride, const float *x, int64_t x_stride, int rows,
                          const void *w, lt_dtype type, int64_t depth, int64_t outputs);
    /* The same of q4, after the rows were rounded; scales [outputs][depth / LT_BLOCK]. */
    void (*round_row)(const lt_rounded_row *out, const float *x, int64_t depth);
    void (*matrix_rounded)(float *y, int64_t y_stride, const lt_rounded_row *x, int rows,
                           const void *w, const uint16_t *scale, int64_t depth, int64_t outputs);
    /* The same of q8; NULL where matrix_vector_q8 is faster. */
    void (*round_row_q8)(const lt_rounded_row *out, const float *x, int64_t depth);
    void (*matrix_rounded_q8)(float *y, int64_t y_stride, const lt_rounded_row *x, int rows,
                              const void *w, const uint16_t *scale, int64_t depth, int64_t outputs);
    /* q8 with rows as they are; NULL where they are rounded. */
    void (*matrix_vector_q8)(float *y, int64_t y_stride, const float *x, int64_t x_stride, int rows,
                             const void *w, const uint16_t *scale, int64_t depth, int64_t outputs);
} lt_few_rows;

typedef struct {
    lt_product wide; /* of f32; bf16 is widened for it */
    lt_product slim; /* the same for at most slim.columns outputs */
    lt_product int8; /* product_int8.h */
    lt_product int4; /* product_int4.h: of int8 with codes -8 .. 7 */
    lt_few_rows few; /* few_rows.h */

    /* ---- product_wide.h ---- */
    /* out[i] = x[i] as f32; type f32, bf16, f16 or i8. */
    void (*widen)(float *out, const void *x, lt_dtype type, int64_t count);
    /* Rows of sums to memory; c rows are c_stride apart. */
    void (*finish)(void *out, lt_dtype type, int64_t out_stride, const float *c, int64_t c_stride,
                   int64_t rows, int64_t columns, const lt_finish *f);

    /* ---- low_bit_panel.h ---- */
    /* `count` values of a row of q8 or q4, whole blocks; `scale` of the first. */
    void (*widen_blocks)(float *out, const void *w, lt_dtype type, const uint16_t *scale,
                         int64_t count);

    /* ---- product_int8.h ---- */
    /* x[k] = codes[k] scale[k / length * scale_stride], within half a
     * step; type f32, bf16 or f16. */
    void (*round_units)(int8_t *codes, float *scale, int64_t scale_stride, const void *x,
                        lt_dtype type, int64_t count, int64_t length);
    /* The same of `count` values of a row of q8 or q4, units of whole blocks, with the scales of
     * the blocks as f32. */
    void (*round_blocks)(int8_t *codes, float *scale, int64_t scale_stride, const void *w,
                         lt_dtype type, const float *block_scale, int64_t count, int64_t length);

    /* ---- attention_tile.h ---- */
    void (*attend)(const lt_query_block *b, void *scratch);
    void (*attend_row)(const lt_query_block *b, void *scratch); /* one query */

    /* ---- row_kernels.h: one row each ---- */
    void (*layer_norm)(void *out, const void *x, lt_dtype type, int64_t d, const float *w,
                       const float *bias, float eps, const float *scale, const float *shift);
    void (*rms_norm)(void *out, const void *x, lt_dtype type, int64_t d, const float *w, float eps);
    void (*rope)(void *out, const void *x, lt_dtype type, int64_t d, const float *cosine,
                 const float *sine);
    void (*activate)(void *out, const void *x, lt_dtype type, int64_t count, lt_act act);
    void (*gated_act)(void *out, const void *g, const void *u, lt_dtype type, int64_t count,
                      lt_act act);
    void (*gated_add)(void *out, const void *x, const float *gate, const void *y, lt_dtype type,
                      int64_t count);
    /* out = alpha x + beta y; y NULL: out = alpha x. */
    void (*axpby)(void *out, lt_dtype out_type, float alpha, const void *x, lt_dtype x_type,
                  float beta, const void *y, lt_dtype y_type, int64_t count);
    /* Adds, for each channel, sum (x - centre) and sum (x - centre)^2 over `pixels` pixels. */
    void (*channel_sums)(double *sums, double *squares, const void *x, lt_dtype type,
                         int64_t pixels, int64_t channels, const float *centre);
    /* out = act((x * slope + offset) * gain + shift), per channel, for `pixels` pixels; gain and
     * shift of `type`, or NULL. */
    void (*group_scale)(void *out, const void *x, lt_dtype type, int64_t pixels, int64_t channels,
                        const float *slope, const float *offset, const void *gain,
                        const void *shift, lt_act act);
    void (*to_rgb8)(uint8_t *out, const void *x, lt_dtype type, int64_t count);

    /* ---- winograd_tile.h: a row of patches of 4 x 4 inputs or sums ---- */
    void (*winograd_in)(float *out, int64_t plane, const float *x, int64_t row_pitch,
                        int64_t pixel_pitch, int64_t patches, int64_t channels);
    void (*winograd_out)(float *out, int64_t row_pitch, const float *m, int64_t plane,
                         int64_t patches, int64_t columns);
} lt_cpu_kernels;

/* What a processor adds that multiplies bf16, or does as if. */
typedef struct {
    lt_product wide;      /* of bf16 */
    lt_product slim;      /* the same for at most slim.columns outputs */
    lt_rounding rounding; /* LT_ROUND_INT16: of both sides; then few outputs, and convolutions, are
                             done in f32 */
    void (*attend)(const lt_query_block *b, void *scratch); /* bf16 tensors */
} lt_narrow_kernels;

extern const lt_cpu_kernels lt_generic_kernels;
#if defined(__x86_64__)
extern const lt_cpu_kernels lt_avx2_kernels;
extern const lt_cpu_kernels lt_avx512_kernels;
extern const lt_few_rows lt_avx512vnni_rows;
extern const lt_few_rows lt_avx512vnni_far_rows;
extern const lt_narrow_kernels lt_avx512bf16_kernels;
extern const lt_narrow_kernels lt_amx_kernels;
extern const lt_narrow_kernels lt_int16_kernels;
extern const lt_product lt_avx512vnni_int8;
extern const lt_product lt_amx_int8;
#elif defined(__aarch64__)
extern const lt_cpu_kernels lt_neon_kernels;
extern const lt_few_rows lt_dotprod_rows;
extern const lt_product lt_dotprod_int8;
#endif

#endif
