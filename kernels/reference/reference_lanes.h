/* reference_lanes.h - dot products of one row of weights with eight rows of input at a time.
 *
 * Lane r belongs to input row r, so each sum runs over k in order, in double: the plain definition,
 * eight times side by side.
 */
#ifndef LT_REFERENCE_LANES_H
#define LT_REFERENCE_LANES_H

#include <stdint.h>

enum {
    LT_REF_LANES = 8,
    LT_REF_DEPTH = 256, /* values per lane that are held at a time; also the largest head of
                           attention */
    LT_REF_OUTPUTS = 64 /* sums per lane that are held at a time */
};

/* sum[r] += w[k] * x[k][r] over k */
static inline void lt_ref_dot(const float *w, double (*x)[LT_REF_LANES], int64_t depth, double *sum)
{
    for (int64_t k = 0; k < depth; k++)
        for (int r = 0; r < LT_REF_LANES; r++)
            sum[r] += (double)w[k] * x[k][r];
}

#endif
