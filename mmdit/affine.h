/* affine.h - a weight and its bias, bound under one name.
 *
 * Most parameters of the stage come in such pairs: linear maps, norms and convolutions alike.
 */
#ifndef DIT_AFFINE_H
#define DIT_AFFINE_H

#include "weights/weights.h"

typedef struct {
    lt_weight weight;
    lt_weight bias;
} dit_affine;

/* NAME.weight and NAME.bias; the name is the formatted text. */
void dit_bind_linear(lt_binder *b, dit_affine *p, int out, int in, const char *name, ...)
    LT_PRINTF(5, 6);
void dit_bind_norm(lt_binder *b, dit_affine *p, int width, const char *name, ...) LT_PRINTF(4, 5);
/* A square 2-D kernel of `size` x `size`. */
void dit_bind_conv(lt_binder *b, dit_affine *p, int out, int in, int size, const char *name, ...)
    LT_PRINTF(6, 7);

#endif
