/* cuda_conv.h - the pieces of cuda_conv.cu. Not for other operations.
 *
 * A piece is a convolution over memory that is all there: its input has kt - 1 frames more than its
 * output, and only in space it is surrounded by zeros. Rows and pixels are packed; frames may lie
 * apart, so a piece may be a band of rows of an image.
 */
#ifndef LT_CUDA_CONV_H
#define LT_CUDA_CONV_H

#include "kernels/cuda/cuda_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LT_CUDNN_CONV_WORKSPACE = 64 << 20 }; /* bytes a plan may use; the fused ones use none */

typedef struct {
    lt_dtype type;     /* of in, w, add and out: f32 or bf16 */
    const void *in;    /* [frames + kt - 1, in_rows, in_columns, in_channels] */
    const void *w;     /* [out_channels, kt, kh, kw, in_channels] */
    const float *bias; /* [out_channels], or NULL */
    const void *add;   /* where out is in its own tensor, or NULL */
    void *out;         /* [frames, out_rows, out_columns, out_channels] */
    int64_t frames;
    int64_t in_rows;
    int64_t in_columns;
    int64_t in_channels;
    int64_t in_frame; /* elements from frame to frame */
    int64_t out_rows;
    int64_t out_columns;
    int64_t out_channels;
    int64_t out_frame; /* of out and add */
    int64_t kt;
    int64_t kh;
    int64_t kw;
    int64_t stride;
    int64_t top; /* zeros */
    int64_t bottom;
    int64_t left;
    int64_t right;
} lt_conv_piece;

/* cudnn_conv.c. *done is false, and nothing has happened, where cuDNN has no plan for the piece.
 * The workspace has LT_CUDNN_CONV_WORKSPACE bytes. */
lt_status lt_cudnn_conv(lt_cuda *c, const lt_conv_piece *p, void *workspace, bool *done,
                        lt_error *err);
/* The plan alone, for tests: NULL in *plan where there is none. */
struct lt_cudnn_plan;
lt_status lt_cudnn_conv_plan(lt_cudnn *l, const lt_conv_piece *p, struct lt_cudnn_plan **plan,
                             lt_error *err);

/* cuda_conv_direct.cu: any piece. */
lt_status lt_cuda_conv_direct(lt_cuda *c, const lt_conv_piece *p, lt_error *err);

#ifdef __cplusplus
}
#endif
#endif
