/* frame_layout.h - how many rows and tokens a frame has, in which order the networks see them, and
 * where each row stands in the rotary embedding.
 *
 *     visual rows of frame 0, latents of frame 0, visual rows of frame 1, latents of frame 1, ...
 *
 * The release puts all visual rows first; positions are a property of a row, so the order is free.
 * Frame by frame every mask becomes "the first so many keys".
 */
#ifndef TOK_FRAME_LAYOUT_H
#define TOK_FRAME_LAYOUT_H

#include <stdint.h>

#include "configs/tokenizer_config.h"

int tok_frame_patches(const cfg_tokenizer *cfg);             /* visual rows of a frame */
int tok_frame_tokens(const cfg_tokenizer *cfg, int frame);   /* latents of a frame: I or P */
int64_t tok_frame_rows(const cfg_tokenizer *cfg, int frame); /* both */
/* Of a segment's earlier frames; with frame = T: of all. */
int64_t tok_tokens_before(const cfg_tokenizer *cfg, int frame);
int64_t tok_rows_before(const cfg_tokenizer *cfg, int frame);

/* Cosines and sines [tok_rows_before(frames), pairs of a head] each, in the order above. */
void tok_rope_table(const cfg_tokenizer *cfg, int frames, float *cosine, float *sine);
/* One row of it: the row at frame, row and column, or (j, j, j) for latent j of the segment. */
void tok_rope_row(const cfg_tokenizer *cfg, const int place[3], float *cosine, float *sine);

#endif
