/* cuda_attention.h - the pieces of cuda_attention.cu. Not for other operations. */
#ifndef LT_CUDA_ATTENTION_H
#define LT_CUDA_ATTENTION_H

#include "kernels/cuda/cuda_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LT_DECODE_ROWS = LT_FIRST_ROWS, /* queries of a decoding step: up to here the keys are split
                                       over blocks */
    LT_CUDNN_ATTENTION_WORKSPACE = 64 << 20 /* bytes a plan may use; what was seen is 256 */
};

/* Where batch b, row i, head h of an operand begins: b, i and h times
 * its three strides, in elements. */
typedef struct {
    const void *q; /* [B, n, h, d] */
    const void *k; /* [B, m, h, d] */
    const void *v; /* [B, m, h, d] */
    void *out;     /* [B, n, h, d] */
    int64_t q_stride[3];
    int64_t k_stride[3];
    int64_t v_stride[3];
    int64_t out_stride[3];
    const int32_t *visible; /* [n], or NULL: row i sees keys 0 .. visible[i] - 1 */
    const float *bias;      /* [h, n + m - 1], or NULL: column key - row + n - 1 */
    lt_dtype type;
    int batches;
    int n;
    int m;
    int heads;
    int d;
    float scale;
    bool narrow; /* may be done in E4M3 */
} lt_attention_job;

/* Rows that join a cache: they become n keys and values of a job, the keys rotated, and the job's
 * queries are rotated as they are read. Keys after them are as if they were not there. */
typedef struct {
    const void *keys; /* [B, n, h, d], of the job's type */
    const void *values;
    int64_t stride[3]; /* of both */
    void *to_keys;     /* the job's k and v */
    void *to_values;
    const int32_t *first; /* of them is this key of the job, a number on the device; NULL: they are
                             the last n */
    const float *cosine;  /* [n, d / 2], or with `first` [m, d / 2] of all keys */
    const float *sine;
    int64_t angle_stride[2]; /* of the rows of cosine and sine */
} lt_joining_rows;

/* cudnn_attention.c: bf16, no mask, no bias. *done is false, and nothing has
 * happened, where cuDNN has no plan. */
lt_status lt_cudnn_attention(lt_cuda *c, const lt_attention_job *j, bool *done, lt_error *err);
/* The plan alone, for tests: NULL in *plan where there is none. */
struct lt_cudnn_plan;
lt_status lt_cudnn_attention_plan(lt_cudnn *l, const lt_attention_job *j,
                                  struct lt_cudnn_plan **plan, lt_error *err);

/* cuda_attention_e4m3.cu: bf16 rounded to E4M3 on the way, d = 64, rows on 16 bytes, no mask, no
 * bias, scale > 0, where this says so: on sm_90, if that was built as sm_90a. */
bool lt_cuda_has_attention_e4m3(const lt_cuda *c);
lt_status lt_cuda_attention_e4m3(lt_cuda *c, const lt_attention_job *j, lt_error *err);
/* cuda_attention_tiles.cu: bf16 on tensor cores, d <= 128 in packs of 8,
 * rows of q, k and v on 16 bytes. */
lt_status lt_cuda_attention_tiles(lt_cuda *c, const lt_attention_job *j, lt_error *err);
/* cuda_attention_plain.cu: f32 arithmetic, anything. */
lt_status lt_cuda_attention_plain(lt_cuda *c, const lt_attention_job *j, lt_error *err);
/* cuda_attention_decode.cu: n <= LT_DECODE_ROWS, anything else; joining
 * NULL: nothing is written but out. */
lt_status lt_cuda_attention_decode(lt_cuda *c, const lt_attention_job *j,
                                   const lt_joining_rows *joining, lt_error *err);

#ifdef __cplusplus
}
#endif
#endif
