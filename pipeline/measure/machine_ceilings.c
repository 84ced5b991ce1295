/* machine_ceilings.c - what this machine does at best: one large operation each, with all threads.
 *
 * Sizes double until an operation takes as long as `least_seconds` says, which fills a fast device,
 * and so many of it follow each other in one timing that starting and waiting do not count. */
#include <stdio.h>

#include "kernels/ops.h"
#include "pipeline/measure/stage_bench.h"
#include "weights/weights.h"

enum { REPEATS = 5, LARGEST = 8 /* times the first size */ };

/* Seconds between two waits; a hundred times what starting an operation and waiting for it
 * takes. */
static const double timed_least = 2e-3;

/* One operation on synthetic data. */
typedef struct {
    take_ceiling kind;
    lt_dtype stored; /* weights */
    lt_shape input;  /* of activations */
    lt_shape weight_shape;
    lt_role role;
    lt_weight weight;
    take_time best; /* of the repeats */
} ceiling;

/* Side `n` of what is measured, doubled `scale` - 1 times over. */
static ceiling ceiling_of(take_ceiling kind, lt_dtype precision, int64_t scale)
{
    const int64_t n = 2048 * scale;
    switch (kind) {
    case TAKE_CEILING_PRODUCT:
        return (ceiling){.kind = kind,
                         .stored = precision,
                         .role = LT_ROLE_MATRIX,
                         .input = lt_shape2(n, n),
                         .weight_shape = lt_shape2(n, n)};
    case TAKE_CEILING_PRODUCT_INT8: {
        ceiling c = ceiling_of(TAKE_CEILING_PRODUCT, LT_Q8, scale);
        c.kind = kind;
        return c;
    }
    case TAKE_CEILING_ATTENTION:
        return (ceiling){.kind = kind, .stored = precision, .input = lt_shape4(1, 2 * n, 8, 64)};
    case TAKE_CEILING_CONVOLUTION:
        return (ceiling){.kind = kind,
                         .stored = precision,
                         .role = LT_ROLE_CONV,
                         .input = lt_shape4(8, 64 * scale, 64 * scale, 128),
                         .weight_shape = lt_shape5(128, 128, 3, 3, 3)};
    case TAKE_CEILING_READING:
        return (ceiling){.kind = kind,
                         .stored = precision,
                         .role = LT_ROLE_MATRIX,
                         .input = lt_shape2(1, 4 * n),
                         .weight_shape = lt_shape2(4 * n, 4 * n)};
    case TAKE_CEILING_READING_Q8:
    case TAKE_CEILING_READING_Q4: { /* as many bytes as bf16 has: fewer may stay in a cache */
        const bool q8 = kind == TAKE_CEILING_READING_Q8;
        ceiling c = ceiling_of(TAKE_CEILING_READING, q8 ? LT_Q8 : LT_Q4, scale);
        c.kind = kind;
        c.weight_shape.dim[0] *= q8 ? 2 : 4;
        return c;
    }
    case TAKE_CEILING_COPYING:
    case TAKE_CEILINGS:
        break;
    }
    return (ceiling){
        .kind = TAKE_CEILING_COPYING, .stored = precision, .input = lt_shape2(8 * n, 4096)};
}

/* What is being timed, in words, with its work. */
static take_timing describe(const ceiling *c, const lt_backend *backend)
{
    const double element = (double)lt_dtype_bytes(backend->activation);
    const long long n = (long long)c->input.dim[0];
    take_timing t = {.best = c->best};
    switch (c->kind) {
    case TAKE_CEILING_PRODUCT:
        (void)snprintf(t.slice, sizeof t.slice, "matrix product %lld x %lld x %lld", n, n, n);
        t.flop = 2.0 * (double)n * (double)n * (double)n;
        break;
    case TAKE_CEILING_PRODUCT_INT8:
        (void)snprintf(t.slice, sizeof t.slice, "matrix product %lld x %lld x %lld in int8", n, n,
                       n);
        t.flop = 2.0 * (double)n * (double)n * (double)n;
        break;
    case TAKE_CEILING_ATTENTION: {
        const double rows = (double)c->input.dim[1];
        (void)snprintf(t.slice, sizeof t.slice, "attention, %lld rows, 8 heads of 64",
                       (long long)c->input.dim[1]);
        t.flop = 4 * rows * rows * 512;
        break;
    }
    case TAKE_CEILING_CONVOLUTION: {
        const double pixels = 8 * (double)c->input.dim[1] * (double)c->input.dim[2];
        (void)snprintf(t.slice, sizeof t.slice,
                       "convolution 3x3x3, 128 -> 128 channels, 8 x %lld x %lld",
                       (long long)c->input.dim[1], (long long)c->input.dim[2]);
        t.flop = 2.0 * 27 * 128 * 128 * pixels;
        break;
    }
    case TAKE_CEILING_READING:
    case TAKE_CEILING_READING_Q8:
    case TAKE_CEILING_READING_Q4: {
        const double outputs = (double)c->weight_shape.dim[0];
        const double values = outputs * (double)c->weight_shape.dim[1];
        (void)snprintf(t.slice, sizeof t.slice, "one row times %.0f x %.0f weights in %s", outputs,
                       values / outputs, lt_dtype_name(c->stored));
        t.flop = 2 * values;
        t.bytes = values * take_stored_bytes(c->stored);
        break;
    }
    case TAKE_CEILING_COPYING: {
        const double values = (double)n * (double)c->input.dim[1];
        (void)snprintf(t.slice, sizeof t.slice, "copy of %.0f values", values);
        t.bytes = 2 * values * element;
        break;
    }
    case TAKE_CEILINGS:
        break;
    }
    return t;
}

/* Of an operation. Weights are made value by value, about 6 ns each, so they grow no further than
 * they must: a product has thousands of tiles then, and what is read is several times what caches
 * hold. */
static double least_seconds(take_ceiling kind)
{
    switch (kind) {
    case TAKE_CEILING_PRODUCT:
    case TAKE_CEILING_PRODUCT_INT8:
        return 1e-3;
    case TAKE_CEILING_READING:
    case TAKE_CEILING_READING_Q8:
    case TAKE_CEILING_READING_Q4:
        return 1e-4;
    default:
        return 2e-3;
    }
}

static void run_once(lt_ops *o, const ceiling *c, lt_tensor x)
{
    const lt_mark mark = lt_ops_mark(o);
    switch (c->kind) {
    case TAKE_CEILING_ATTENTION: {
        const lt_attention_args args = {.scale = 0.125F, .visible = lt_none(), .bias = lt_none()};
        (void)lt_attention(o, x, x, x, &args);
        break;
    }
    case TAKE_CEILING_CONVOLUTION: {
        const lt_conv_args args = {.stride = 1,
                                   .pad_top = 1,
                                   .pad_left = 1,
                                   .pad_bottom = 1,
                                   .pad_right = 1,
                                   .history = lt_none(),
                                   .add = lt_none()};
        (void)lt_conv(o, x, &c->weight, NULL, &args);
        break;
    }
    case TAKE_CEILING_COPYING:
        (void)lt_cast(o, x, x.dtype);
        break;
    case TAKE_CEILING_PRODUCT:
    case TAKE_CEILING_PRODUCT_INT8:
    case TAKE_CEILING_READING:
    case TAKE_CEILING_READING_Q8:
    case TAKE_CEILING_READING_Q4:
        (void)lt_linear(o, x, &c->weight, NULL, LT_ACT_NONE);
        break;
    case TAKE_CEILINGS:
        break;
    }
    lt_ops_rewind(o, mark);
}

/* A device may work on after an operation returns: they are timed from
 * nothing to do to nothing to do. */
static lt_status time_runs(lt_ops *o, const ceiling *c, lt_tensor x, int runs, take_time *best)
{
    LT_TRY(o->backend->table->wait(o->backend, &o->error));
    const take_time began = take_now();
    for (int i = 0; i < runs; i++)
        run_once(o, c, x);
    LT_TRY(o->backend->table->wait(o->backend, &o->error));
    take_keep_best(best, began);
    return LT_OK;
}

static lt_status pass(lt_ops *o, void *user)
{
    ceiling *c = user;
    take_time one = {0};
    const lt_tensor x = lt_new(o, o->dtype, c->input);
    lt_fill_into(o, x, 0.01F);
    run_once(o, c, x); /* makes plans and fills caches */
    if (o->measuring)
        return lt_ops_status(o);
    for (int i = 0; i < REPEATS; i++)
        LT_TRY(time_runs(o, c, x, 1, &one));
    const int runs = one.wall < timed_least ? (int)(timed_least / one.wall) + 1 : 1;
    if (runs == 1)
        c->best = one;
    for (int i = 0; runs > 1 && i < REPEATS; i++)
        LT_TRY(time_runs(o, c, x, runs, &c->best));
    c->best.wall /= runs;
    c->best.processor /= runs;
    return lt_ops_status(o);
}

static bool every_matrix(const char *name, lt_shape shape)
{
    (void)name;
    (void)shape;
    return true;
}

static lt_status measure(lt_backend *backend, ceiling *c, lt_error *err)
{
    lt_weights *weights = NULL;
    lt_weight_set *set = NULL;
    lt_ops ops;
    lt_ops_open(&ops, backend);
    lt_status s = lt_weights_synthetic(c->stored, 1, &weights, err);
    if (s == LT_OK && c->kind == TAKE_CEILING_PRODUCT_INT8)
        lt_weights_rounding(weights, LT_ROUND_INT8, every_matrix);
    if (s == LT_OK && c->weight_shape.rank > 0) {
        lt_binder *b = lt_binder_open(weights, backend);
        lt_bind(b, &c->weight, c->role, c->weight_shape, "weight");
        s = lt_binder_close(b, &set, err);
    }
    if (s == LT_OK)
        s = lt_ops_run(&ops, pass, c, err);
    lt_ops_close(&ops);
    lt_weight_set_close(set);
    lt_weights_close(weights);
    return s;
}

lt_status take_bench_ceiling(lt_backend *backend, take_ceiling which, take_timing *out,
                             lt_error *err)
{
    ceiling c;
    int64_t scale = 1;
    do {
        c = ceiling_of(which, backend->activation, scale);
        LT_TRY(measure(backend, &c, err));
        scale *= 2;
    } while (c.best.wall < least_seconds(which) && scale <= LARGEST);
    *out = describe(&c, backend);
    return LT_OK;
}
