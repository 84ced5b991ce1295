/* pack.h - elements of a strided host tensor, one behind the other. */
#ifndef LT_PACK_H
#define LT_PACK_H

#include "kernels/core/tensor.h"

/* Copies the row-major elements first .. first + count - 1 of `t`, which may
 * begin at any byte, to `out`. */
void lt_pack(const lt_tensor *t, int64_t first, int64_t count, void *out);

#endif
