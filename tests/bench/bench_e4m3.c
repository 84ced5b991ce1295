/* bench_e4m3.c - what a layer of the diffusion spends in 8 bits on a card, piece by piece:
 * bench_e4m3 [ROWS]
 *
 * Products, each with bf16 beside it: conversion of x and of the weight, multiplication with a
 * scale for each row and with one, summed fast and in f32. Attention in bf16, and in E4M3 with its
 * conversions. One line a case: the median of several runs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda/cublas_matmul.h"
#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_linear.h"
#include "tests/bench/measure.h"

enum { WIDTH = 1920, HEADS = 30, MOST = 4 * WIDTH, RUNS = 7, PASSES = 10 };

typedef struct {
    lt_backend *b;
    int64_t rows;
    void *x;   /* bf16 [rows, MOST] */
    void *w;   /* bf16 [MOST, MOST / 4] and more */
    void *out; /* bf16 [rows, MOST] */
    void *x_codes;
    void *w_codes;
    float *x_scale;
    float *w_scale;
    void *bias; /* bf16 */
    void *workspace;
} bench;

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef lt_status (*work)(bench *b, const void *what, lt_error *err);

static void measure(bench *b, const char *name, work call, const void *what, double flop,
                    double bytes)
{
    lt_error err = {0};
    double seconds[RUNS];
    lt_status s = call(b, what, &err);
    for (int run = -1; run < RUNS && s == LT_OK; run++) { /* the first is not counted */
        const double begun = bench_seconds(CLOCK_MONOTONIC);
        for (int i = 0; i < PASSES && s == LT_OK; i++)
            s = call(b, what, &err);
        if (s == LT_OK)
            s = b->b->table->wait(b->b, &err);
        seconds[run < 0 ? 0 : run] = (bench_seconds(CLOCK_MONOTONIC) - begun) / PASSES;
    }
    if (s != LT_OK) {
        printf("%-52s %s\n", name, err.message);
        return;
    }
    qsort(seconds, RUNS, sizeof *seconds, by_size);
    printf("%-52s %8.4f ms", name, 1e3 * seconds[RUNS / 2]);
    if (flop > 0)
        printf(" %7.0f TFLOP/s", flop / seconds[RUNS / 2] / 1e12);
    if (bytes > 0)
        printf(" %7.0f GB/s", bytes / seconds[RUNS / 2] / 1e9);
    printf("\n");
    fflush(stdout);
}

static void *room(bench *b, size_t bytes)
{
    lt_error err = {0};
    void *memory;
    bench_must(b->b->table->alloc(b->b, bytes, &memory, &err), &err);
    return memory;
}

/* bf16 between -1 and 1. */
static void *noise(bench *b, size_t count)
{
    lt_error err = {0};
    uint32_t state = 1;
    uint16_t *host = malloc(count * sizeof *host);
    void *memory = room(b, count * sizeof *host);
    if (host == NULL)
        exit(1);
    for (size_t i = 0; i < count; i++)
        host[i] = lt_f32_to_bf16(bench_noise(&state));
    bench_must(b->b->table->upload(b->b, memory, host, count * sizeof *host, &err), &err);
    free(host);
    return memory;
}

/* ---- products ---- */

typedef struct {
    int64_t inputs;
    int64_t outputs;
    lt_cublas_finish finish;
    bool e4m3;
    bool by_row;
    bool fast;
    bool of_x; /* what is converted */
} product;

static lt_status convert(bench *b, const void *what, lt_error *err)
{
    const product *p = what;
    const lt_tensor from = lt_view(p->of_x ? b->x : b->w, LT_BF16,
                                   lt_shape2(p->of_x ? b->rows : p->outputs, p->inputs));
    return lt_cuda_to_e4m3((lt_cuda *)b->b, p->of_x ? b->x_codes : b->w_codes,
                           p->of_x ? b->x_scale : b->w_scale, from, p->by_row, err);
}

static lt_status multiply(bench *b, const void *what, lt_error *err)
{
    const product *p = what;
    const lt_cublas_product all = {
        .x = p->e4m3 ? b->x_codes : b->x,
        .w = p->e4m3 ? b->w_codes : b->w,
        .bias = b->bias,
        .out = b->out,
        .rows = b->rows,
        .inputs = p->inputs,
        .outputs = p->outputs,
        .x_stride = p->inputs,
        .w_stride = p->inputs,
        .out_stride = p->outputs,
        .type = p->e4m3 ? LT_U8 : LT_BF16,
        .out_type = LT_BF16,
        .x_scale = b->x_scale,
        .w_scale = b->w_scale,
        .scale_by_row = p->by_row,
        .fast_sums = p->fast,
        .finish = p->finish,
    };
    return lt_cublas_run((lt_cuda *)b->b, &all, b->workspace, err);
}

static void measure_converting(bench *b, product p, bool of_x, bool by_row)
{
    const double values = (double)(of_x ? b->rows : p.outputs) * (double)p.inputs;
    p.of_x = of_x;
    p.by_row = by_row;
    char name[64];
    (void)snprintf(name, sizeof name, "  %s to E4M3, %s", of_x ? "x" : "weight",
                   by_row ? "scales by row" : "one scale (read twice)");
    measure(b, name, convert, &p, 0, values * (by_row ? 3 : 5));
}

static void products(bench *b, int64_t inputs, int64_t outputs, lt_cublas_finish finish)
{
    product p = {.inputs = inputs, .outputs = outputs, .finish = finish};
    const double flop = 2.0 * (double)b->rows * (double)inputs * (double)outputs;
    printf("%lld x %lld -> %lld%s\n", (long long)b->rows, (long long)inputs, (long long)outputs,
           finish == LT_CUBLAS_BIAS_GELU ? ", GELU" : "");
    measure(b, "  bf16", multiply, &p, flop, 0);
    p.e4m3 = true;
    for (int by_row = 1; by_row >= 0; by_row--) {
        measure_converting(b, p, true, by_row == 1);
        measure_converting(b, p, false, by_row == 1);
        for (int fast = 1; fast >= 0; fast--) {
            char name[64];
            p.by_row = by_row == 1;
            p.fast = fast == 1;
            (void)snprintf(name, sizeof name, "  E4M3, %s, %s",
                           by_row == 1 ? "scales by row" : "one scale",
                           fast == 1 ? "fast sums" : "f32 sums");
            measure(b, name, multiply, &p, flop, 0);
        }
    }
}

/* ---- attention ---- */

/* q, k and v are columns of one matrix. */
static lt_attention_job job_of(const bench *b)
{
    const uint16_t *q = b->x;
    const int64_t row = 3 * WIDTH;
    return (lt_attention_job){.q = q,
                              .k = q + WIDTH,
                              .v = q + (size_t)2 * WIDTH,
                              .out = b->out,
                              .q_stride = {0, row, WIDTH / HEADS},
                              .k_stride = {0, row, WIDTH / HEADS},
                              .v_stride = {0, row, WIDTH / HEADS},
                              .out_stride = {0, WIDTH, WIDTH / HEADS},
                              .type = LT_BF16,
                              .batches = 1,
                              .n = (int)b->rows,
                              .m = (int)b->rows,
                              .heads = HEADS,
                              .d = WIDTH / HEADS,
                              .scale = 0.125F};
}

static lt_status attend(bench *b, const void *what, lt_error *err)
{
    bool done;
    LT_TRY(lt_cudnn_attention((lt_cuda *)b->b, what, &done, err));
    return done ? LT_OK : lt_fail(err, LT_ERR_FAILED, "no plan");
}

static lt_status attend_e4m3(bench *b, const void *what, lt_error *err)
{
    return lt_cuda_attention_e4m3((lt_cuda *)b->b, what, err);
}

static void attentions(bench *b)
{
    const double flop = 4.0 * (double)b->rows * (double)b->rows * WIDTH;
    const lt_attention_job j = job_of(b);
    printf("attention, %d rows, %d heads of %d\n", j.n, HEADS, WIDTH / HEADS);
    measure(b, "  bf16", attend, &j, flop, 0);
    if (lt_cuda_has_attention_e4m3((lt_cuda *)b->b))
        measure(b, "  E4M3", attend_e4m3, &j, flop, 0);
}

int main(int argc, char **argv)
{
    lt_error err = {0};
    bench b = {.rows = argc > 1 ? atoll(argv[1]) : 17776};
    if (b.rows < 9 || lt_cuda_open(&b.b, 0, LT_BF16, &err) != LT_OK) {
        printf("%s\n", b.rows < 9 ? "bench_e4m3 [ROWS], 9 or more" : err.message);
        return 1;
    }
    const size_t most = (size_t)b.rows * MOST;
    b.x = noise(&b, most);
    b.w = noise(&b, (size_t)MOST * WIDTH);
    b.bias = noise(&b, MOST);
    b.out = room(&b, 2 * most);
    b.x_codes = room(&b, most);
    b.w_codes = room(&b, (size_t)MOST * WIDTH);
    b.x_scale = room(&b, (size_t)b.rows * sizeof(float));
    b.w_scale = room(&b, MOST * sizeof(float));
    b.workspace = room(&b, LT_CUDNN_ATTENTION_WORKSPACE);
    products(&b, WIDTH, 3 * WIDTH, LT_CUBLAS_BIAS);
    products(&b, WIDTH, WIDTH, LT_CUBLAS_BIAS);
    products(&b, WIDTH, MOST, LT_CUBLAS_BIAS_GELU);
    products(&b, MOST, WIDTH, LT_CUBLAS_BIAS);
    attentions(&b);
    void *const all[] = {b.x,       b.w,       b.bias,    b.out,      b.x_codes,
                         b.w_codes, b.x_scale, b.w_scale, b.workspace};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        b.b->table->release(b.b, all[i]);
    b.b->table->close(b.b);
    return 0;
}
