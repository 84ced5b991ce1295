/* cuda_linear.h - the pieces of cuda_linear.cu: few rows, panels,
 * finishing. Not for other operations. */
#ifndef LT_CUDA_LINEAR_H
#define LT_CUDA_LINEAR_H

#include "kernels/cuda/cuda_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LT_FEW_ROWS = 8 }; /* up to here a product is bound by reading the weight once */

/* A product of up to LT_FEW_ROWS rows with all that may go with it. Weights are on the device. */
typedef struct {
    lt_tensor out;
    lt_tensor x;
    const lt_weight *w;
    const lt_weight *up;     /* stored as w is: out = act(x w^T) * (x up^T); or NULL */
    const lt_row_norm *norm; /* of x; or NULL */
    const float *bias;       /* or NULL */
    lt_act act;
    bool adds; /* to what out is */
} lt_few_job;

/* cuda_linear_few.cu: out = act(x w^T + bias), the weight read as it is stored. */
lt_status lt_cuda_linear_few(lt_cuda *c, const lt_few_job *j, lt_error *err);

/* cuda_linear_panel.cu: out = from * scale[row], both [rows, columns] of f32 or bf16, `from` also
 * i8; scale f32 [rows] or none. */
lt_status lt_cuda_panel(lt_cuda *c, lt_tensor out, lt_tensor from, lt_tensor scale, lt_error *err);
/* The same of a weight in blocks, q8 or q4; out is packed. */
lt_status lt_cuda_panel_of_blocks(lt_cuda *c, lt_tensor out, const lt_weight *w, lt_error *err);

/* cuda_linear_e4m3.cu: from bf16 [rows, columns], rows on 16 bytes, to E4M3, packed, and the scales
 * that give it back: `scale` has room for one of each row; by_row is false: the first is that of
 * all. */
lt_status lt_cuda_to_e4m3(lt_cuda *c, uint8_t *out, float *scale, lt_tensor from, bool by_row,
                          lt_error *err);

/* cuda_linear_finish.cu: out = act(sums + bias), [rows, columns], any row
 * strides; sums f32; out may be sums. */
lt_status lt_cuda_linear_finish(lt_cuda *c, lt_tensor out, lt_tensor sums, const float *bias,
                                lt_act act, lt_error *err);

#ifdef __cplusplus
}
#endif
#endif
