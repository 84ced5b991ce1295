/* machine_ceilings.c - what this machine does at best: one large operation each, with all threads. */
#include "kernels/ops.h"
#include "pipeline/stage_bench.h"
#include "weights/weights.h"

enum { REPEATS = 5 };

/* One operation on synthetic data. Sizes are large enough that nothing but the operation counts. */
typedef struct {
    lt_weight weight;
    lt_shape input;      /* of activations */
    lt_shape weight_shape;
    lt_role role;
    enum { PRODUCT, ATTENTION, CONVOLUTION, READING } kind;
} ceiling;

static lt_status pass(lt_ops *o, void *user)
{
    ceiling *c = user;
    const lt_tensor x = lt_new(o, o->dtype, c->input);
    lt_fill_into(o, x, 0.01F);
    if (c->kind == ATTENTION) {
        const lt_attention_args args = {.scale = 0.125F, .visible = lt_none(), .bias = lt_none()};
        lt_attention(o, x, x, x, &args);
    } else if (c->kind == CONVOLUTION) {
        const lt_conv_args args = {.stride = 1, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1,
                                   .history = lt_none(), .add = lt_none()};
        lt_conv(o, x, &c->weight, NULL, &args);
    } else {
        lt_linear(o, x, &c->weight, NULL, LT_ACT_NONE);
    }
    return lt_ops_status(o);
}

static lt_status measure(lt_backend *backend, ceiling *c, take_time *best, lt_error *err)
{
    lt_weights *weights = NULL;
    lt_weight_set *set = NULL;
    lt_ops ops;
    lt_ops_open(&ops, backend);
    lt_status s = lt_weights_synthetic(backend->activation, 1, &weights, err);
    if (s == LT_OK && c->kind != ATTENTION) {
        lt_binder *b = lt_binder_open(weights, backend);
        lt_bind(b, &c->weight, c->role, c->weight_shape, "weight");
        s = lt_binder_close(b, &set, err);
    }
    for (int i = 0; i <= REPEATS && s == LT_OK; i++) {
        const take_time began = take_now();
        s = lt_ops_run(&ops, pass, c, err);
        if (i > 0)
            take_keep_best(best, began);
    }
    lt_ops_close(&ops);
    lt_weight_set_close(set);
    lt_weights_close(weights);
    return s;
}

lt_status take_bench_ceiling(lt_backend *backend, take_ceiling which, take_timing *out, lt_error *err)
{
    static const struct {
        const char *slice;
        ceiling work;
        double flop;
        double values_read;
    } all[TAKE_CEILINGS] = {
        {"matrix product 2048 x 2048 x 2048",
         {.kind = PRODUCT, .role = LT_ROLE_MATRIX, .input = {2, {2048, 2048}}, .weight_shape = {2, {2048, 2048}}},
         2.0 * 2048 * 2048 * 2048, 0},
        {"attention, 4096 rows, 8 heads of 64",
         {.kind = ATTENTION, .input = {4, {1, 4096, 8, 64}}},
         4.0 * 4096 * 4096 * 512, 0},
        {"convolution 3x3x3, 128 -> 128 channels, 8 x 64 x 64",
         {.kind = CONVOLUTION, .role = LT_ROLE_CONV, .input = {4, {8, 64, 64, 128}}, .weight_shape = {5, {128, 128, 3, 3, 3}}},
         2.0 * 27 * 128 * 128 * 8 * 64 * 64, 0},
        {"one row times 8192 x 8192 weights",
         {.kind = READING, .role = LT_ROLE_MATRIX, .input = {2, {1, 8192}}, .weight_shape = {2, {8192, 8192}}},
         2.0 * 8192 * 8192, 8192.0 * 8192},
    };
    ceiling work = all[which].work;
    *out = (take_timing){.slice = all[which].slice,
                         .flop = all[which].flop,
                         .bytes = all[which].values_read * (double)lt_dtype_bytes(backend->activation)};
    return measure(backend, &work, &out->best, err);
}
