/* patch_embedding.h - latents and text become rows of the transformer, and rows become latents
 * again.
 *
 * Inside the stage a latent is channels-last, [T, H, W, C]; token (t, i, j) covers the patch x
 * patch pixels from (i patch, j patch). Tokens are ordered frame, row, column; the sequence is
 * [text rows, video rows].
 */
#ifndef DIT_PATCH_EMBEDDING_H
#define DIT_PATCH_EMBEDDING_H

#include "configs/mmdit_config.h"
#include "kernels/ops.h"
#include "mmdit/joint_block.h"
#include "mmdit/position_table.h"

typedef struct {
    int patch;
    int text_length;
    dit_affine proj;      /* [width, C, patch, patch] */
    dit_affine text_proj; /* [width, text_width] */
} dit_patch;

void dit_patch_bind(lt_binder *b, dit_patch *w, const cfg_mmdit *cfg, const char *prefix);

/* text [text_length, text_width] -> [text_length, width]; the same in every step. None stands for
 * zeros, whose rows are all equal: one of them, [1, width]. */
lt_tensor dit_text_rows(lt_ops *o, const dit_patch *w, const cfg_mmdit *cfg, lt_tensor text);

/* latent [T, H, W, C] and projected text [L, width], L text_length or 1 -> a sequence of L + T rows
 * columns rows, with positions. */
dit_sequence dit_embed(lt_ops *o, const dit_patch *w, const dit_position *position,
                       lt_tensor latent, lt_tensor text_rows);

/* tokens [T rows columns, C patch patch] -> latent [T, H, W, C]. */
void dit_unpatchify(lt_ops *o, lt_tensor latent, lt_tensor tokens, int patch);

#endif
