/* dit_bench.h - how fast the networks are at any size: random weights made in memory, no file. */
#ifndef DIT_BENCH_H
#define DIT_BENCH_H

#include "configs/mmdit_config.h"
#include "kernels/backend.h"

typedef struct {
    double seconds; /* of one pass: the best of the repeats, after one that is not counted */
    double processor_seconds; /* the same of all threads together */
    double flop;              /* of the layers' matrix products and attention, 2 per multiply-add */
    int64_t rows;             /* of text and video */
} dit_timing;

/* One pass of both networks with the sizes of `cfg`, for one item; control_layers may be 0 here.
 * The released model is too large for that: time a layer or two of it. Products inside the layers
 * are rounded so. */
lt_status dit_bench(const cfg_mmdit *cfg, lt_rounding rounding, lt_backend *backend, int repeats,
                    dit_timing *out, lt_error *err);

#endif
