/* stage_bench.h - one timed slice of a stage at the released sizes, with weights made in memory. */
#ifndef TAKE_STAGE_BENCH_H
#define TAKE_STAGE_BENCH_H

#include "kernels/backend.h"
#include "pipeline/measure/stopwatch.h"

typedef struct {
    char slice[112];   /* what was timed, in words */
    take_time best;    /* of the repeats */
    double flop;       /* 2 per multiply-add; 0: not counted */
    double bytes;      /* of weights or memory read; 0: not what bounds it */
    double whole;      /* slices in the whole stage of one 49-frame clip; 0: none */
    const char *steps; /* "recorded", "ahead" or "launched", how the device was asked for them;
                          NULL: there is but one way */
} take_timing;

typedef lt_status (*take_bench_fn)(lt_backend *backend, take_timing *out, lt_error *err);

/* t5_int8, dit_fp8, dit_int8, lm_ahead and lm_launched: on a device that
 * does so (bench_report.c asks). */
lt_status take_bench_t5(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_t5_int8(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_lm(lt_backend *backend, take_timing *out, lt_error *err);
/* Where the device records the steps of `lm`, whose codes the host waits for one by one: as in a
 * take, without waiting, and every kernel by itself. */
lt_status take_bench_lm_ahead(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_lm_launched(lt_backend *backend, take_timing *out, lt_error *err);
/* the same from weights of few bits */
lt_status take_bench_lm_q8(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_lm_q4(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_dit(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_dit_fp8(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_dit_int8(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_vae_decode(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_vae_encode(lt_backend *backend, take_timing *out, lt_error *err);
lt_status take_bench_tokenizer(lt_backend *backend, take_timing *out, lt_error *err);

/* Bytes of a weight: of blocks, with its share of the scale. */
double take_stored_bytes(lt_dtype weights);

/* What this machine can do at best, one operation each. */
typedef enum {
    TAKE_CEILING_PRODUCT,
    TAKE_CEILING_PRODUCT_INT8, /* where the backend makes them */
    TAKE_CEILING_ATTENTION,
    TAKE_CEILING_CONVOLUTION,
    TAKE_CEILING_READING,    /* weights of the device's precision, */
    TAKE_CEILING_READING_Q8, /* and of few bits */
    TAKE_CEILING_READING_Q4,
    TAKE_CEILING_COPYING,
    TAKE_CEILINGS
} take_ceiling;
lt_status take_bench_ceiling(lt_backend *backend, take_ceiling which, take_timing *out,
                             lt_error *err);

#endif
