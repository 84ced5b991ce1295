/* cublas_matmul.h - products of row-major matrices through cuBLASLt: out = finish(x w^T).
 *
 * cuBLASLt thinks in columns. Row-major memory read by columns is the transposed matrix, so what is
 * asked of it is
 *
 *     out^T [outputs, rows] = w [outputs, inputs] . x^T [inputs, rows]
 *
 * w is stored as w^T by columns, transposed; x as it is.
 *
 * and nothing is moved. The bias runs along the rows of out^T, which is what the library's epilogue
 * adds.
 *
 * A plan is made once for a shape, of the library's first proposal that can run, and kept while the
 * backend lives.
 */
#ifndef LT_CUBLAS_MATMUL_H
#define LT_CUBLAS_MATMUL_H

#include "kernels/cuda/cuda_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LT_CUBLAS_WORKSPACE = 32 << 20, /* bytes; what NVIDIA advises for sm_90, enough everywhere */
    LT_CUBLAS_SCALES_ROWS = 120900  /* the oldest version that multiplies rows of E4M3 with a scale
                                       each, on sm_90 */
};

typedef enum {
    LT_CUBLAS_PLAIN,
    LT_CUBLAS_BIAS, /* of out's dtype */
    LT_CUBLAS_GELU, /* the tanh form */
    LT_CUBLAS_BIAS_GELU
} lt_cublas_finish;

typedef struct {
    const void *x;    /* [rows, inputs] */
    const void *w;    /* [outputs, inputs] */
    const void *bias; /* [outputs], or NULL */
    void *out;        /* [rows, outputs] */
    int64_t rows;
    int64_t inputs;
    int64_t outputs;
    int64_t x_stride; /* elements from row to row */
    int64_t w_stride;
    int64_t out_stride;
    lt_dtype type;     /* of x and w: f32 (never TF32), bf16, or u8: the bits of E4M3 */
    lt_dtype out_type; /* f32, or bf16 where type is no f32 */
    /* of E4M3: what gives x back, [rows], or one where scale_by_row is false */
    const float *x_scale;
    const float *w_scale; /* [outputs], or one */
    bool scale_by_row;    /* sm_90 with LT_CUBLAS_SCALES_ROWS or newer */
    bool fast_sums; /* of E4M3, where the card and the library have them: fewer bits than f32 on the
                       way */
    lt_cublas_finish finish;
} lt_cublas_product;

/* 10000 * major + 100 * minor + patch of the library that was found, which may be older than the
 * headers of this build. */
lt_status lt_cublas_version(lt_cuda *c, size_t *version, lt_error *err);
/* Queues the product; `workspace` has LT_CUBLAS_WORKSPACE bytes. */
lt_status lt_cublas_run(lt_cuda *c, const lt_cublas_product *p, void *workspace, lt_error *err);

#ifdef __cplusplus
}
#endif
#endif
