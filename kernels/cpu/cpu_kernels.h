/* cpu_kernels.h - what one instruction set brings: the inner parts of every operation, on one thread.
 *
 * The drivers (cpu_linear.c, cpu_conv.c, ...) cut an operation into tiles and call these for each. One table per
 * instruction set is built from the same sources: generic_kernels.c, avx2_kernels.c, avx512_kernels.c.
 * `type` is LT_F32 or LT_BF16, of every activation of a call; sums are f32.
 */
#ifndef LT_CPU_KERNELS_H
#define LT_CPU_KERNELS_H

#include "kernels/backend.h"

enum {
    LT_TILE_ROWS_MAX = 14,     /* the largest tile_rows and tile_columns of any instruction set */
    LT_TILE_COLUMNS_MAX = 32,
    LT_DEPTH = 256,            /* longest dot product that is summed in registers at once: its panel fits the L1 cache */
    LT_ROW_PITCH = LT_DEPTH + 16, /* floats between rows of a block: not a power of two, so that rows miss each other's cache sets */
    LT_VECTOR_ROWS = 4         /* up to so many rows a product is done by `matrix_vector` */
};

/* A stretch of a dot product: `run` consecutive elements of the left side, from `offset` on. */
typedef struct {
    int64_t offset;
    int64_t run;
} lt_stretch;

/* What happens to a finished sum on its way to memory: out = act(sum + bias) + add. */
typedef struct {
    const float *bias;  /* of the first column, or NULL */
    const void *add;    /* like out, or NULL */
    int64_t add_stride; /* elements between rows */
    lt_act act;
    lt_dtype add_type;
} lt_finish;

/* A block of queries of one head against all its keys; pointers stand at the block's first query and the head's first key. */
typedef struct {
    void *out;
    const void *q;
    const void *k;
    const void *v;
    int64_t out_stride; /* elements from row to row */
    int64_t q_stride;
    int64_t k_stride;
    int64_t v_stride;
    int64_t queries;        /* at most LT_QUERY_BLOCK */
    int64_t keys;
    int64_t d;
    lt_dtype type;
    float scale;
    const int32_t *visible; /* per query, or NULL */
    const float *bias;      /* of (first query, first key); one less for each further query, one more for each key; or NULL */
} lt_query_block;

enum { LT_QUERY_BLOCK = 84 }; /* a multiple of every tile_rows but 4 x 21; sized for the L2 cache (see attention_tile.h) */

typedef struct {
    const char *name;
    int tile_rows;    /* of the matrix kernel, */
    int tile_columns; /* and its panels */

    /* ---- matrix_tile.h ---- */
    /* panel[depth][tile_columns] = rows[r][k] for r < count, zero beyond: `count` rows, `stride` elements apart, each times
     * scale[r] when given. */
    void (*pack_panel)(float *panel, const void *rows, lt_dtype type, int64_t stride, int64_t count, int64_t depth,
                       const float *scale);
    /* out[i] = x[i] as f32; type f32, bf16, f16 or i8. */
    void (*widen)(float *out, const void *x, lt_dtype type, int64_t count);
    /* c[r * c_stride + column] = (first ? 0 : itself) + sum over stretches of a[r * a_stride + offset ..] . panel, for all
     * tile_rows x tile_columns. */
    void (*multiply)(float *c, int64_t c_stride, const float *a, int64_t a_stride, const lt_stretch *stretch, int stretches,
                     const float *panel, bool first);
    /* Rows of sums to memory; at most tile_columns columns, c rows are c_stride apart. */
    void (*finish)(void *out, lt_dtype type, int64_t out_stride, const float *c, int64_t c_stride, int64_t rows,
                   int64_t columns, const lt_finish *f);
    /* y[r * y_stride + o] = x[r * x_stride ..] . w[o * depth ..] for o < outputs, r < rows <= LT_VECTOR_ROWS. */
    void (*matrix_vector)(float *y, int64_t y_stride, const float *x, int64_t x_stride, int rows, const void *w,
                          lt_dtype type, int64_t depth, int64_t outputs, const float *scale);

    /* ---- attention_tile.h ---- */
    void (*attend)(const lt_query_block *b, float *scratch);
    void (*attend_row)(const lt_query_block *b, float *scratch); /* one query */

    /* ---- row_kernels.h: one row each ---- */
    void (*layer_norm)(void *out, const void *x, lt_dtype type, int64_t d, const float *w, const float *bias, float eps,
                       const float *scale, const float *shift);
    void (*rms_norm)(void *out, const void *x, lt_dtype type, int64_t d, const float *w, float eps);
    void (*rope)(void *out, const void *x, lt_dtype type, int64_t d, const float *cosine, const float *sine);
    void (*activate)(void *out, const void *x, lt_dtype type, int64_t count, lt_act act);
    void (*gated_act)(void *out, const void *g, const void *u, lt_dtype type, int64_t count, lt_act act);
    void (*gated_add)(void *out, const void *x, const float *gate, const void *y, lt_dtype type, int64_t count);
    /* out = alpha x + beta y; y NULL: out = alpha x. */
    void (*axpby)(void *out, lt_dtype out_type, float alpha, const void *x, lt_dtype x_type, float beta, const void *y,
                  lt_dtype y_type, int64_t count);
    /* Adds, for each group, sum (x - centre) and sum (x - centre)^2 over `pixels` pixels to sums[2 * groups]. */
    void (*group_sums)(double *sums, const void *x, lt_dtype type, int64_t pixels, int64_t channels, int groups,
                       const float *centre);
    /* out = act((x * slope + offset) * gain + shift), per channel, for `pixels` pixels; gain and shift of `type`, or NULL. */
    void (*group_scale)(void *out, const void *x, lt_dtype type, int64_t pixels, int64_t channels, const float *slope,
                        const float *offset, const void *gain, const void *shift, lt_act act);
    void (*to_rgb8)(uint8_t *out, const void *x, lt_dtype type, int64_t count);
} lt_cpu_kernels;

extern const lt_cpu_kernels lt_generic_kernels;
extern const lt_cpu_kernels lt_avx2_kernels;
extern const lt_cpu_kernels lt_avx512_kernels;

#endif
