/* weight.h - one parameter of a network, as a backend wants to see it.
 *
 * weights/ finds the tensor in a file, a backend's `prepare` turns it into what its kernels read.
 * Models only hold `lt_weight` values and pass their addresses to operations.
 */
#ifndef LT_WEIGHT_H
#define LT_WEIGHT_H

#include <stdbool.h>

#include "kernels/core/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an operation will do with it; decides precision and layout. */
typedef enum {
    LT_ROLE_MATRIX, /* lt_linear, [out, in]; may be stored as integers with scales */
    LT_ROLE_CONV,   /* lt_conv, [Cout, Cin, kt, kh, kw] or [Cout, Cin, kh, kw] */
    LT_ROLE_TABLE,  /* lt_gather, [rows, d] */
    LT_ROLE_VECTOR, /* biases, norms, small vectors: f32 always */
    LT_ROLE_HEAD    /* a matrix for lt_linear on f32 rows: values as stored, whatever the backend's
                       activation */
} lt_role;

/* Where a device with memory of its own keeps the values of a matrix. Any other ignores it. From
 * the file comes what is stored as the device's kernels read it; a matrix that is brought into
 * another form first is pinned in that form, whatever is said here. */
typedef enum {
    LT_HOME_DEVICE, /* on it */
    LT_HOME_PINNED, /* in pinned host memory: they come to the device when they are used */
    LT_HOME_FILE    /* the same from the mapped file where it can, pinned on the way only: it may be
                       larger than the host's memory */
} lt_home;

/* What both sides of a product of a matrix with many rows may be rounded
 * to, where a backend does that. */
typedef enum {
    LT_ROUND_NONE,
    LT_ROUND_E4M3, /* floats of 8 bits */
    LT_ROUND_INT8, /* integers of 8 bits */
    LT_ROUND_INT16 /* integers of 16 bits: of bf16 alone, where a processor multiplies those faster
                      (kernels/cpu) */
} lt_rounding;

typedef struct {
    lt_tensor value; /* as stored in the file, then as prepared; keeps the official shape */
    lt_tensor scale; /* f32 [out] of i8 rows, f16 [out, in / LT_BLOCK] of q8 and q4; else none */
    lt_role role;
    lt_home home;         /* of a matrix */
    lt_rounding rounding; /* of a matrix */
    void *packed; /* the backend's own form, or NULL; owned by the set of weights that bound it */
} lt_weight;

/* Does a device with memory of its own have this matrix come from the host when it is used? */
static inline bool lt_comes_from_host(const lt_weight *w)
{
    return w->role == LT_ROLE_MATRIX && w->home != LT_HOME_DEVICE;
}

enum { LT_BLOCK = 32 }; /* neighbours in a row of q8 or q4 that share a scale; it divides `in` */

/* Is it packed floats, or integers with the scales that belong to them? */
bool lt_weight_is_sound(const lt_weight *w);
/* Value `i` (flat, packed) of a sound weight in host memory, its scale multiplied in. */
double lt_weight_value(const lt_weight *w, int64_t i);

static inline bool lt_is_blocks(const lt_weight *w)
{
    return w->value.dtype == LT_Q8 || w->value.dtype == LT_Q4;
}

#ifdef __cplusplus
}
#endif
#endif
