/* joint_block.h - one transformer block over [text rows, video rows], of the main and of the
 * control network alike. */
#ifndef DIT_JOINT_BLOCK_H
#define DIT_JOINT_BLOCK_H

#include "configs/mmdit_config.h"
#include "kernels/ops.h"
#include "mmdit/affine.h"

typedef struct {
    dit_affine modulation; /* [12 d, time_width] */
    dit_affine norm1;      /* [d], before attention */
    dit_affine qkv;        /* [3 d, d]: rows of q, then k, then v */
    dit_affine query_norm; /* [d / heads], shared by all heads */
    dit_affine key_norm;
    dit_affine dense;   /* [d, d], after attention */
    dit_affine norm2;   /* [d], before the MLP */
    dit_affine mlp_in;  /* [mlp_width, d] */
    dit_affine mlp_out; /* [d, mlp_width] */
} dit_block;

/* Layer `layer` of the network whose tensor names begin with `prefix`. */
void dit_block_bind(lt_binder *b, dit_block *w, const cfg_mmdit *cfg, const char *prefix,
                    int layer);

/* A sequence: text rows, then video rows. Where all text rows are equal, as without a text, one of
 * them stands for all: it asks once, and is as many keys as there would be rows. */
typedef struct {
    lt_tensor rows;    /* [n, d] */
    int64_t n_text;    /* of the n */
    int64_t text_keys; /* n_text, or more where n_text is 1 */
} dit_sequence;

/* Changes the rows of `s` from `first` on, in place; rows before it only serve as keys and values,
 * which is all that is wanted of most rows in a last layer. `time` [1, time_width] is SiLU(e). */
void dit_block_run(lt_ops *o, const dit_block *w, int heads, dit_sequence s, int64_t first,
                   lt_tensor time);

#endif
