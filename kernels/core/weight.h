/* weight.h - one parameter of a network, as a backend wants to see it.
 *
 * weights/ finds the tensor in a file, a backend's `prepare` turns it into what its kernels read. Models only hold
 * `lt_weight` values and pass their addresses to operations.
 */
#ifndef LT_WEIGHT_H
#define LT_WEIGHT_H

#include "kernels/core/tensor.h"

/* What an operation will do with it; decides precision and layout. */
typedef enum {
    LT_ROLE_MATRIX, /* lt_linear, [out, in]; may be stored as int8 rows with scales */
    LT_ROLE_CONV,   /* lt_conv, [Cout, Cin, kt, kh, kw] or [Cout, Cin, kh, kw] */
    LT_ROLE_TABLE,  /* lt_gather, [rows, d] */
    LT_ROLE_VECTOR, /* biases, norms, small vectors: f32 always */
    LT_ROLE_HEAD    /* a matrix for lt_linear on f32 rows: values as stored, whatever the backend's activation */
} lt_role;

typedef struct {
    lt_tensor value;  /* as stored in the file, then as prepared; keeps the official shape */
    lt_tensor scale;  /* f32 [out] of an int8 matrix, else none */
    lt_role role;
    void *packed;     /* the backend's own form, or NULL; owned by the set of weights that bound it */
} lt_weight;

#endif
