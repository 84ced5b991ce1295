/* bench_ops.c - how fast single operations run: bench_ops [--device cpu|cuda] [--threads N]
 * [--precision f32|bf16] [--only TEXT] [--seconds S]
 *
 * One line a case: the best of several runs, GFLOP/s or GB/s. Sizes are those of the released model
 * and of models/mini. Compare lines of one run only: other work on the machine shifts them all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ops.h"
#include "tests/bench/measure.h"

typedef struct {
    lt_backend *backend;
    lt_ops ops;
    const char *only;
    double seconds; /* to spend on a case */
    bool one_thread;
    int passes; /* between two looks at the clock */
} bench;

/* With one thread the processor's time is taken, which other jobs disturb less. */
static double now(const bench *b)
{
    return bench_seconds(b->one_thread ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC);
}

/* ---- values ---- */

/* In host memory; free() its data. */
static lt_tensor random_values(lt_dtype dtype, lt_shape shape)
{
    lt_tensor t = lt_view(NULL, dtype, shape);
    t.data = malloc(lt_tensor_bytes(&t));
    if (t.data == NULL) {
        fprintf(stderr, "bench_ops: no memory for %zu bytes\n", lt_tensor_bytes(&t));
        exit(1);
    }
    uint32_t state = 1;
    const bool integers = dtype == LT_I8 || dtype == LT_Q8 || dtype == LT_Q4;
    for (int64_t i = 0; i < (integers ? (int64_t)lt_tensor_bytes(&t) : lt_numel(&t)); i++)
        if (integers)
            ((int8_t *)t.data)[i] = (int8_t)(100 * bench_noise(&state));
        else if (dtype == LT_I32)
            ((int32_t *)t.data)[i] = 0;
        else
            lt_store_element(t.data, dtype, i, 0.1 * (double)bench_noise(&state));
    return t;
}

static lt_tensor random_tensor(bench *b, lt_dtype dtype, lt_shape shape)
{
    lt_error err = {0};
    lt_tensor t;
    const lt_tensor values = random_values(dtype, shape);
    bench_must(lt_buffer_open(b->backend, dtype, shape, &t, &err), &err);
    bench_must(
        b->backend->table->upload(b->backend, t.data, values.data, lt_tensor_bytes(&t), &err),
        &err);
    free(values.data);
    return t;
}

typedef struct {
    lt_weight w;
    lt_tensor stored;
    lt_tensor scale;
} parameter;

static parameter rounded_weight(bench *b, lt_role role, lt_dtype dtype, lt_shape shape,
                                lt_rounding rounding)
{
    lt_error err = {0};
    parameter p = {.stored = random_values(dtype, shape), .scale = lt_none()};
    if (dtype == LT_I8)
        p.scale = random_values(LT_F32, lt_shape1(shape.dim[0]));
    if (dtype == LT_Q8 || dtype == LT_Q4)
        p.scale = random_values(LT_F16, lt_shape2(shape.dim[0], shape.dim[1] / LT_BLOCK));
    p.w = (lt_weight){.value = p.stored, .scale = p.scale, .role = role, .rounding = rounding};
    bench_must(b->backend->table->prepare(b->backend, &p.w, &err), &err);
    return p;
}

static parameter random_weight(bench *b, lt_role role, lt_dtype dtype, lt_shape shape)
{
    return rounded_weight(b, role, dtype, shape, LT_ROUND_NONE);
}

static void drop_weight(bench *b, parameter *p)
{
    b->backend->table->unprepare(b->backend, &p->w);
    free(p->stored.data);
    free(p->scale.data);
}

/* ---- timing ---- */

typedef struct {
    lt_tensor x;
    lt_tensor y;
    lt_tensor z;
    const lt_weight *w;
    const lt_weight *bias;
    lt_act act;
    lt_conv_args conv;
    lt_attention_args attention;
    lt_group_norm_args group_norm;
    void (*call)(lt_ops *o, void *user);
} job;

static lt_status pass(lt_ops *o, void *user)
{
    ((job *)user)->call(o, user);
    return lt_ops_status(o);
}

static bool wanted(const bench *b, const char *name)
{
    return b->only == NULL || strstr(name, b->only) != NULL;
}

static void measure(bench *b, const char *name, job *j, double flop, double bytes)
{
    lt_error err = {0};
    bench_must(lt_ops_run(&b->ops, pass, j, &err), &err);
    double best = 1e9;
    int runs = 0;
    const double begun = now(b);
    while (runs < 3 || now(b) - begun < b->seconds) {
        const double t = now(b);
        for (int i = 0; i < b->passes; i++)
            bench_must(lt_ops_run(&b->ops, pass, j, &err), &err);
        bench_must(b->backend->table->wait(b->backend, &err), &err);
        const double s = (now(b) - t) / b->passes;
        best = s < best ? s : best;
        runs++;
    }
    printf("%-44s %10.3f ms %9.1f GFLOP/s %7.1f GB/s\n", name, best * 1e3, flop / best / 1e9,
           bytes / best / 1e9);
    fflush(stdout);
}

/* ---- cases ---- */

static void call_linear(lt_ops *o, void *user)
{
    const job *j = user;
    lt_linear(o, j->x, j->w, j->bias, j->act);
}

static void rounded_linear(bench *b, const char *name, int64_t rows, int64_t in, int64_t out,
                           lt_dtype stored, lt_act act, lt_rounding rounding)
{
    if (!wanted(b, name))
        return;
    lt_tensor x = random_tensor(b, b->backend->activation, lt_shape2(rows, in));
    parameter w = rounded_weight(b, LT_ROLE_MATRIX, stored, lt_shape2(out, in), rounding);
    parameter bias = random_weight(b, LT_ROLE_VECTOR, LT_F32, lt_shape1(out));
    job j = {.x = x, .w = &w.w, .bias = &bias.w, .act = act, .call = call_linear};
    measure(b, name, &j, 2.0 * (double)(rows * in * out), (double)lt_tensor_bytes(&w.stored));
    drop_weight(b, &w);
    drop_weight(b, &bias);
    lt_buffer_close(b->backend, &x);
}

static void linear(bench *b, const char *name, int64_t rows, int64_t in, int64_t out,
                   lt_dtype stored, lt_act act)
{
    rounded_linear(b, name, rows, in, out, stored, act, LT_ROUND_NONE);
}

/* As it is, and in integers of 8 bits where the device has such products. */
static void linear_and_int8(bench *b, const char *name, int64_t rows, int64_t in, int64_t out,
                            lt_dtype stored)
{
    char int8_name[64];
    (void)snprintf(int8_name, sizeof int8_name, "%s in int8", name);
    linear(b, name, rows, in, out, stored, LT_ACT_NONE);
    if (b->backend->rounds_to == LT_ROUND_INT8)
        rounded_linear(b, int8_name, rows, in, out, stored, LT_ACT_NONE, LT_ROUND_INT8);
}

static void call_attention(lt_ops *o, void *user)
{
    const job *j = user;
    lt_attention(o, j->x, j->y, j->z, &j->attention);
}

static void attention(bench *b, const char *name, int64_t batch, int64_t n, int64_t m,
                      int64_t heads, int64_t d)
{
    if (!wanted(b, name))
        return;
    const lt_dtype type = b->backend->activation;
    job j = {
        .x = random_tensor(b, type, lt_shape4(batch, n, heads, d)),
        .y = random_tensor(b, type, lt_shape4(batch, m, heads, d)),
        .z = random_tensor(b, type, lt_shape4(batch, m, heads, d)),
        .attention = {.scale = 0.125f, .visible = lt_none(), .bias = lt_none()},
        .call = call_attention,
    };
    measure(b, name, &j, 4.0 * (double)(batch * n * m * heads * d),
            2 * (double)lt_tensor_bytes(&j.y));
    lt_buffer_close(b->backend, &j.x);
    lt_buffer_close(b->backend, &j.y);
    lt_buffer_close(b->backend, &j.z);
}

static void call_conv(lt_ops *o, void *user)
{
    const job *j = user;
    lt_conv(o, j->x, j->w, j->bias, &j->conv);
}

static void conv(bench *b, const char *name, int64_t frames, int64_t height, int64_t width,
                 int64_t in, int64_t out, int64_t kt, int64_t k, int stride)
{
    if (!wanted(b, name))
        return;
    const lt_dtype type = b->backend->activation;
    const int pad = (int)(k / 2);
    parameter w = random_weight(b, LT_ROLE_CONV, type, lt_shape5(out, in, kt, k, k));
    parameter bias = random_weight(b, LT_ROLE_VECTOR, LT_F32, lt_shape1(out));
    job j = {
        .x = random_tensor(b, type, lt_shape4(frames, height, width, in)),
        .w = &w.w,
        .bias = &bias.w,
        .conv = {.stride = stride,
                 .pad_top = pad,
                 .pad_left = pad,
                 .pad_bottom = pad,
                 .pad_right = pad,
                 .history = lt_none(),
                 .add = lt_none()},
        .call = call_conv,
    };
    const double pixels = (double)(frames * height * width / stride / stride);
    measure(b, name, &j, 2.0 * pixels * (double)(in * out * kt * k * k),
            (double)lt_tensor_bytes(&j.x));
    drop_weight(b, &w);
    drop_weight(b, &bias);
    lt_buffer_close(b->backend, &j.x);
}

static void call_layer_norm(lt_ops *o, void *user)
{
    const job *j = user;
    const lt_tensor out = lt_new(o, o->dtype, lt_shape_of(&j->x));
    lt_modulated_norm_into(o, out, j->x, j->w, j->bias, 1e-5f, j->y, j->z);
}

static void layer_norm(bench *b, const char *name, int64_t rows, int64_t d)
{
    if (!wanted(b, name))
        return;
    parameter w = random_weight(b, LT_ROLE_VECTOR, LT_F32, lt_shape1(d));
    job j = {
        .x = random_tensor(b, b->backend->activation, lt_shape2(rows, d)),
        .y = random_tensor(b, LT_F32, lt_shape1(d)),
        .z = random_tensor(b, LT_F32, lt_shape1(d)),
        .w = &w.w,
        .bias = &w.w,
        .call = call_layer_norm,
    };
    measure(b, name, &j, 8.0 * (double)(rows * d), 2 * (double)lt_tensor_bytes(&j.x));
    drop_weight(b, &w);
    lt_buffer_close(b->backend, &j.x);
    lt_buffer_close(b->backend, &j.y);
    lt_buffer_close(b->backend, &j.z);
}

static void call_group_norm(lt_ops *o, void *user)
{
    const job *j = user;
    lt_group_norm(o, j->x, j->w, j->bias, &j->group_norm);
}

static void group_norm(bench *b, const char *name, int64_t frames, int64_t height, int64_t width,
                       int64_t channels, int groups, int64_t cell)
{
    if (!wanted(b, name))
        return;
    const lt_dtype type = b->backend->activation;
    parameter w = random_weight(b, LT_ROLE_VECTOR, LT_F32, lt_shape1(channels));
    job j = {
        .x = random_tensor(b, type, lt_shape4(frames, height, width, channels)),
        .w = &w.w,
        .bias = &w.w,
        .group_norm = {.groups = groups,
                       .eps = 1e-6f,
                       .act = LT_ACT_SILU,
                       .gain = lt_none(),
                       .shift = lt_none()},
        .call = call_group_norm,
    };
    if (cell > 0) {
        const lt_shape cells = lt_shape4(2, height / cell, width / cell, channels);
        j.group_norm.gain = j.y = random_tensor(b, type, cells);
        j.group_norm.shift = j.z = random_tensor(b, type, cells);
    }
    measure(b, name, &j, 16.0 * (double)lt_numel(&j.x), 3 * (double)lt_tensor_bytes(&j.x));
    drop_weight(b, &w);
    lt_buffer_close(b->backend, &j.x);
    lt_buffer_close(b->backend, &j.y);
    lt_buffer_close(b->backend, &j.z);
}

static void call_rope(lt_ops *o, void *user)
{
    const job *j = user;
    lt_rope(o, j->x, j->y, j->z);
}

static void rope(bench *b, const char *name, int64_t rows, int64_t heads, int64_t d)
{
    if (!wanted(b, name))
        return;
    job j = {
        .x = random_tensor(b, b->backend->activation, lt_shape3(rows, heads, d)),
        .y = random_tensor(b, LT_F32, lt_shape2(rows, d / 2)),
        .z = random_tensor(b, LT_F32, lt_shape2(rows, d / 2)),
        .call = call_rope,
    };
    measure(b, name, &j, 3.0 * (double)lt_numel(&j.x), 2 * (double)lt_tensor_bytes(&j.x));
    lt_buffer_close(b->backend, &j.x);
    lt_buffer_close(b->backend, &j.y);
    lt_buffer_close(b->backend, &j.z);
}

static void call_activate(lt_ops *o, void *user)
{
    const job *j = user;
    lt_activate(o, j->x, j->act);
}

static void call_copy(lt_ops *o, void *user)
{
    const job *j = user;
    lt_cast(o, j->x, o->dtype);
}

static void elements(bench *b, const char *name, lt_tensor x, void (*call)(lt_ops *, void *),
                     lt_act act)
{
    job j = {.x = x, .act = act, .call = call};
    measure(b, name, &j, (double)lt_numel(&x), 2 * (double)lt_tensor_bytes(&x));
}

static void element_cases(bench *b)
{
    const lt_dtype type = b->backend->activation;
    lt_tensor x = random_tensor(b, type, lt_shape4(8, 128, 192, 32));
    static const int channels_first[] = {3, 0, 1, 2};
    if (wanted(b, "silu"))
        elements(b, "silu of 6.3 M", x, call_activate, LT_ACT_SILU);
    if (wanted(b, "gelu_tanh"))
        elements(b, "gelu_tanh of 6.3 M", x, call_activate, LT_ACT_GELU_TANH);
    if (wanted(b, "gelu_erf"))
        elements(b, "gelu_erf of 6.3 M", x, call_activate, LT_ACT_GELU_ERF);
    if (wanted(b, "copy"))
        elements(b, "copy of 6.3 M", x, call_copy, LT_ACT_NONE);
    if (wanted(b, "permute"))
        elements(b, "permute [T,H,W,32] to [32,T,H,W]", lt_permute(x, channels_first), call_copy,
                 LT_ACT_NONE);
    lt_buffer_close(b->backend, &x);
}

static void all_cases(bench *b)
{
    const lt_dtype type = b->backend->activation;
    linear(b, "linear mini DiT qkv 1296 x 256 -> 768", 1296, 256, 768, type, LT_ACT_NONE);
    linear(b, "linear mini DiT mlp 1296 x 256 -> 1024 gelu", 1296, 256, 1024, type,
           LT_ACT_GELU_TANH);
    linear(b, "linear mini DiT mlp 1296 x 1024 -> 256", 1296, 1024, 256, type, LT_ACT_NONE);
    linear(b, "linear T5 226 x 4096 -> 10240", 226, 4096, 10240, LT_BF16, LT_ACT_NONE);
    linear(b, "linear DiT 4444 x 1920 -> 7680", 4444, 1920, 7680, LT_BF16, LT_ACT_NONE);
    linear_and_int8(b, "linear mini DiT i8 1248 x 192 -> 768", 1248, 192, 768, LT_I8);
    linear_and_int8(b, "linear mini DiT i8 1248 x 768 -> 192", 1248, 768, 192, LT_I8);
    linear_and_int8(b, "linear T5 q8 226 x 4096 -> 10240", 226, 4096, 10240, LT_Q8);
    linear_and_int8(b, "linear T5 q4 226 x 4096 -> 10240", 226, 4096, 10240, LT_Q4);
    linear_and_int8(b, "linear DiT q8 4444 x 1920 -> 7680", 4444, 1920, 7680, LT_Q8);
    linear(b, "step mini LM 2 x 256 -> 768", 2, 256, 768, LT_I8, LT_ACT_NONE);
    linear(b, "step LM 1 x 2048 -> 11008 bf16", 1, 2048, 11008, LT_BF16, LT_ACT_NONE);
    linear(b, "step LM 2 x 2048 -> 11008 bf16", 2, 2048, 11008, LT_BF16, LT_ACT_NONE);
    linear(b, "step LM 2 x 2048 -> 11008 f32", 2, 2048, 11008, LT_F32, LT_ACT_NONE);
    linear(b, "step LM 2 x 2048 -> 11008 i8", 2, 2048, 11008, LT_I8, LT_ACT_NONE);
    linear(b, "step LM 2 x 2048 -> 11008 q8", 2, 2048, 11008, LT_Q8, LT_ACT_NONE);
    linear(b, "step LM 2 x 2048 -> 11008 q4", 2, 2048, 11008, LT_Q4, LT_ACT_NONE);
    linear(b, "step LM 2 x 11008 -> 2048 bf16", 2, 11008, 2048, LT_BF16, LT_ACT_NONE);
    linear(b, "step LM 2 x 11008 -> 2048 q8", 2, 11008, 2048, LT_Q8, LT_ACT_NONE);
    linear(b, "step LM 2 x 11008 -> 2048 q4", 2, 11008, 2048, LT_Q4, LT_ACT_NONE);
    linear(b, "step LM 4 x 2048 -> 11008 bf16", 4, 2048, 11008, LT_BF16, LT_ACT_NONE);
    attention(b, "attention mini DiT 1296 x 4 x 64", 1, 1296, 1296, 4, 64);
    attention(b, "attention DiT 4444 x 8 x 64", 1, 4444, 4444, 8, 64);
    attention(b, "attention DiT 17776 x 2 x 64", 1, 17776, 17776, 2, 64);
    attention(b, "attention LM 1024 x 4 x 128", 1, 1024, 1024, 4, 128);
    attention(b, "attention step 2 x 1 row, 1000 keys, 16 x 128", 2, 1, 1000, 16, 128);
    conv(b, "conv 3x3x3 8 x 128 x 192, 16 -> 16", 8, 128, 192, 16, 16, 3, 3, 1);
    conv(b, "conv 3x3x3 8 x 128 x 192, 32 -> 16", 8, 128, 192, 32, 16, 3, 3, 1);
    conv(b, "conv 3x3x3 8 x 64 x 96, 32 -> 32", 8, 64, 96, 32, 32, 3, 3, 1);
    conv(b, "conv 3x3x3 4 x 32 x 48, 64 -> 64", 4, 32, 48, 64, 64, 3, 3, 1);
    conv(b, "conv 3x3x3 2 x 16 x 24, 96 -> 96", 2, 16, 24, 96, 96, 3, 3, 1);
    conv(b, "conv 3x3 8 x 128 x 192, 32 -> 32", 8, 128, 192, 32, 32, 1, 3, 1);
    conv(b, "conv 3x3 down 8 x 128 x 192, 16 -> 16", 8, 128, 192, 16, 16, 1, 3, 2);
    conv(b, "conv 3x3x3 8 x 128 x 192, 16 -> 3", 8, 128, 192, 16, 3, 3, 3, 1);
    conv(b, "conv 1x1 8 x 128 x 192, 32 -> 16", 8, 128, 192, 32, 16, 1, 1, 1);
    conv(b, "conv 3x3x3 2 x 240 x 352, 128 -> 128", 2, 240, 352, 128, 128, 3, 3, 1);
    conv(b, "conv 3x3x3 2 x 60 x 90, 512 -> 512", 2, 60, 90, 512, 512, 3, 3, 1);
    layer_norm(b, "layer_norm 1296 x 256", 1296, 256);
    layer_norm(b, "layer_norm 17776 x 1920", 17776, 1920);
    rope(b, "rope 4444 x 30 x 64", 4444, 30, 64);
    group_norm(b, "group_norm 8 x 128 x 192 x 16, silu", 8, 128, 192, 16, 8, 0);
    group_norm(b, "group_norm 8 x 128 x 192 x 16, silu, cells 8", 8, 128, 192, 16, 8, 8);
    group_norm(b, "group_norm 2 x 240 x 352 x 128, silu, cells 8", 2, 240, 352, 128, 32, 8);
    element_cases(b);
}

static lt_status open_device(bench *b, const char *device, int threads, lt_dtype dtype,
                             lt_error *err)
{
    if (strcmp(device, "cpu") == 0)
        return lt_cpu_open(&b->backend, threads, dtype, err);
#ifdef LONGTAKE_HAS_CUDA
    b->passes = 20; /* the host runs ahead of the device */
    return lt_cuda_open(&b->backend, 0, dtype, err);
#else
    return lt_fail(err, LT_ERR_DEVICE, "%s: this build contains no such device", device);
#endif
}

/* Exit code 77 where the device is not there. */
int main(int argc, char **argv)
{
    int threads = 0;
    lt_dtype dtype = LT_F32;
    const char *device = "cpu";
    bench b = {.seconds = 0.3, .passes = 1};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--threads") == 0)
            threads = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--precision") == 0)
            dtype = strcmp(argv[i + 1], "bf16") == 0 ? LT_BF16 : LT_F32;
        else if (strcmp(argv[i], "--only") == 0)
            b.only = argv[i + 1];
        else if (strcmp(argv[i], "--seconds") == 0)
            b.seconds = atof(argv[i + 1]);
        else if (strcmp(argv[i], "--device") == 0)
            device = argv[i + 1];
    }
    b.one_thread = threads == 1;
    lt_error err = {0};
    const lt_status opened = open_device(&b, device, threads, dtype, &err);
    if (opened == LT_ERR_DEVICE) {
        printf("skipped: %s\n", err.message);
        return 77;
    }
    bench_must(opened, &err);
    lt_ops_open(&b.ops, b.backend);
    all_cases(&b);
    lt_ops_close(&b.ops);
    b.backend->table->close(b.backend);
    return 0;
}
