/* finite.h - is every number of a tensor finite? */
#ifndef LT_FINITE_H
#define LT_FINITE_H

#include "kernels/core/tensor.h"

/* Index of the first NaN or infinity among `count` packed values, or -1. The data may begin at any
 * byte; dtypes that hold no such value give -1. */
int64_t lt_first_not_finite(const void *data, lt_dtype dtype, int64_t count);

#endif
