/* op_cases.h - what every operation must give, as plain formulas in double: one function for each,
 * by the file it is in.
 *
 * Parameters are those that the table (op_cases.c) names. */
#ifndef OP_CASES_H
#define OP_CASES_H

#include "op_check.h"

/* What comes out: activations, f32 from activations, or f32 from f32 through a head. */
enum { TO_ACTIVATIONS, TO_F32, HEAD };
enum { SEE_ALL, SEE_CAUSAL, SEE_FRAMES };
enum { Y_NONE, Y_FULL, Y_ROW, Y_COLUMN };
enum { PAD_SAME, PAD_NONE, PAD_END, PAD_UNEVEN };
enum { SPREAD, FEW_VALUES, ALL_EQUAL, STEEP, ONE_INFINITE, ONE_NAN };

/* op_products.c */
void check_gather(op_check *t, const int64_t *p);
void check_linear(op_check *t, const int64_t *p);
void check_linear_add(op_check *t, const int64_t *p);
void check_normed_linear(op_check *t, const int64_t *p);
void check_gated_linear(op_check *t, const int64_t *p);

/* op_attention.c */
void check_attention(op_check *t, const int64_t *p);
void check_cached_attention(op_check *t, const int64_t *p);

/* op_rows.c */
void check_layer_norm(op_check *t, const int64_t *p);
void check_rms_norm(op_check *t, const int64_t *p);
void check_group_norm(op_check *t, const int64_t *p);
void check_rope(op_check *t, const int64_t *p);
void check_activate(op_check *t, const int64_t *p);
void check_gated_act(op_check *t, const int64_t *p);
void check_axpby(op_check *t, const int64_t *p);
void check_gated_add(op_check *t, const int64_t *p);

/* op_video.c */
void check_conv(op_check *t, const int64_t *p);
void check_upsample(op_check *t, const int64_t *p);
void check_to_rgb8(op_check *t, const int64_t *p);

/* op_moves.c */
void check_copy(op_check *t, const int64_t *p);
void check_copy_permuted(op_check *t, const int64_t *p);
void check_fill(op_check *t, const int64_t *p);
void check_normal(op_check *t, const int64_t *p);
void check_choose(op_check *t, const int64_t *p);

#endif
