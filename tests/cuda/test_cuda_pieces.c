/* test_cuda_pieces.c - what the parity table does not reach in kernels/cuda: the table of plans;
 * convolutions in bands of rows, as on a card with little memory; the graph of attention, which
 * only large shapes get; keys that are NaN; kernels that were compiled for an older architecture
 * than the card's. On the host, as test_cuda_host. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../parity/op_check.h"
#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_plan_cache.h"
#include "kernels/ops.h"

static int failures;

static void expect(bool holds, const char *what)
{
    if (!holds)
        printf("FAILED %s\n", what);
    failures += !holds;
}

/* ---- plans ---- */

static void count_drop(void *plan, void *user)
{
    (void)plan;
    ++*(int *)user;
}

static void check_plans(void)
{
    static int plans[1000];
    lt_plan_cache cache = {0};
    int dropped = 0;
    const int64_t absent = -1;
    expect(lt_plan_find(&cache, &absent, sizeof absent) == NULL, "an empty cache has no plan");
    for (int64_t key = 0; key < 1000; key++)
        expect(lt_plan_keep(&cache, &key, sizeof key, &plans[key], NULL) == LT_OK,
               "a plan is kept");
    for (int64_t key = 0; key < 1000; key++)
        expect(lt_plan_find(&cache, &key, sizeof key) == &plans[key], "a plan is found by its key");
    expect(lt_plan_find(&cache, &absent, sizeof absent) == NULL, "a key that was never kept");
    const int32_t half = 7; /* the same first bytes, another length */
    expect(lt_plan_find(&cache, &half, sizeof half) == NULL, "a shorter key");
    lt_plan_cache_close(&cache, count_drop, &dropped);
    expect(dropped == 1000 && cache.capacity == 0, "closing drops every plan once");
}

/* ---- convolutions in bands ---- */

static void check_bands(lt_dtype dtype, size_t memory, const char *name)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    if (lt_cuda_open(&b, 0, dtype, &err) != LT_OK) {
        printf("FAILED %s: %s\n", name, err.message);
        failures++;
        return;
    }
    ((lt_cuda *)b)->facts.memory_bytes = memory;
    for (int i = 0; i < op_case_count; i++)
        if (strcmp(op_cases[i].op, "conv") == 0) {
            static op_check t;
            op_run_case(&t, b, dtype, name, &op_cases[i]);
            failures += t.failures > 0;
        }
    b->table->close(b);
}

/* ---- attention as a graph ---- */

enum { B = 2, ROWS = 5, MEMBERS = 7, HEADS = 3, DEPTH = 16, FUSED = 3 * HEADS * DEPTH };

static float small_number(int64_t i)
{
    return (float)((i * 37 + 11) % 64 - 32) / 32; /* a bf16 number */
}

/* Queries are the last ROWS rows of a fused projection [B, MEMBERS, q k v, heads, depth], keys and
 * values all its rows. */
static double wanted(const float *qkv, int batch, int row, int head, int column)
{
    double total = 0;
    double sum = 0;
    for (int key = 0; key < MEMBERS; key++) {
        double dot = 0;
        const float *q =
            qkv + ((batch * MEMBERS + MEMBERS - ROWS + row) * 3 * HEADS + head) * DEPTH;
        const float *k = qkv + ((batch * MEMBERS + key) * 3 * HEADS + HEADS + head) * DEPTH;
        for (int e = 0; e < DEPTH; e++)
            dot += (double)q[e] * (double)k[e];
        const double weight = exp(0.25 * dot);
        total += weight;
        sum += weight * (double)k[HEADS * DEPTH + column];
    }
    return sum / total;
}

static void check_attention(void)
{
    static float qkv[B * MEMBERS * FUSED];
    uint16_t *memory = aligned_alloc(256, (sizeof qkv + 255) / 256 * 256); /* half of it is used */
    uint16_t *out = aligned_alloc(256, 4096);
    lt_cuda *c = calloc(1, sizeof *c);
    lt_error err = {0};
    bool done = false;
    if (memory == NULL || out == NULL || c == NULL)
        exit(1);
    for (int i = 0; i < B * MEMBERS * FUSED; i++) {
        qkv[i] = small_number(i);
        memory[i] = lt_f32_to_bf16(qkv[i]);
    }
    const lt_attention_job j = {
        .q = memory + (MEMBERS - ROWS) * FUSED,
        .k = memory + HEADS * DEPTH,
        .v = memory + 2 * HEADS * DEPTH,
        .out = out,
        .q_stride = {MEMBERS * FUSED, FUSED, DEPTH},
        .k_stride = {MEMBERS * FUSED, FUSED, DEPTH},
        .v_stride = {MEMBERS * FUSED, FUSED, DEPTH},
        .out_stride = {ROWS * HEADS * DEPTH, HEADS * DEPTH, DEPTH},
        .type = LT_BF16,
        .batches = B,
        .n = ROWS,
        .m = MEMBERS,
        .heads = HEADS,
        .d = DEPTH,
        .scale = 0.25F,
    };
    expect(cudaStreamCreateWithFlags(&c->stream, cudaStreamNonBlocking) == cudaSuccess, "a stream");
    for (int run = 0; run < 2; run++) /* the second finds the plan */
        expect(lt_cudnn_attention(c, &j, &done, &err) == LT_OK && done, err.message);
    expect(cudaStreamSynchronize(c->stream) == cudaSuccess, "a stream that is done");
    for (int i = 0; i < B * ROWS * HEADS * DEPTH; i++) {
        const double want = wanted(qkv, i / DEPTH / HEADS / ROWS, i / DEPTH / HEADS % ROWS,
                                   i / DEPTH % HEADS, i % DEPTH);
        const double got = (double)lt_bf16_to_f32(out[i]);
        expect(fabs(got - want) <= 0x1p-8 * fabs(want) + 1e-6, "attention as a graph");
    }
    lt_cudnn_close(c->cudnn);
    lt_cuda_memory_close(c);
    (void)cudaStreamDestroy(c->stream);
    free(c);
    free(memory);
    free(out);
}

/* ---- keys that are no numbers ---- */

enum { KEYS = 130, FIRST_BAD = 64, BADS = 64, WIDE = 16 }; /* a whole stretch of a step's keys */

/* Whether attention of so many rows to KEYS keys, of which some are NaN, says so everywhere. */
static bool tells_nan(lt_backend *b, int rows)
{
    const lt_dtype dtype = b->activation;
    const lt_shape shape = lt_shape4(1, KEYS, 1, WIDE);
    char host[KEYS * WIDE * sizeof(float)];
    lt_tensor key = lt_none();
    lt_tensor value = lt_none();
    lt_tensor out = lt_none();
    lt_error err = {0};
    bool tells = true;
    for (int i = 0; i < KEYS * WIDE; i++) {
        const bool bad = i / WIDE >= FIRST_BAD && i / WIDE < FIRST_BAD + BADS;
        lt_store_element(host, dtype, i, bad ? (double)NAN : (double)small_number(i));
    }
    lt_status s = lt_buffer_open(b, dtype, shape, &key, &err);
    if (s == LT_OK)
        s = lt_buffer_open(b, dtype, shape, &value, &err);
    if (s == LT_OK)
        s = lt_buffer_open(b, dtype, shape, &out, &err);
    if (s == LT_OK)
        s = b->table->upload(b, key.data, host, lt_tensor_bytes(&key), &err);
    if (s == LT_OK)
        s = b->table->fill(b, value, 1, &err);
    const lt_attention_args a = {.scale = 0.25F, .visible = lt_none(), .bias = lt_none()};
    if (s == LT_OK) /* rows that ask are values */
        s = b->table->attention(b, lt_slice(out, 1, 0, rows), lt_slice(value, 1, 0, rows), key,
                                value, &a, &err);
    if (s == LT_OK)
        s = b->table->download(b, host, out.data, lt_tensor_bytes(&out), &err);
    expect(s == LT_OK, err.message);
    for (int i = 0; i < rows * WIDE; i++)
        tells = tells && isnan(lt_load_element(host, dtype, i));
    lt_buffer_close(b, &key);
    lt_buffer_close(b, &value);
    lt_buffer_close(b, &out);
    return tells;
}

static void check_nan(lt_dtype dtype)
{
    static const int rows[] = {1, 2, 4, 5}; /* decoding; tiles, in f32 plain ones */
    lt_error err = {0};
    lt_backend *b = NULL;
    if (lt_cuda_open(&b, 0, dtype, &err) != LT_OK) {
        printf("FAILED %s\n", err.message);
        failures++;
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(tells_nan(b, rows[i]), "attention to keys that are NaN is NaN");
    b->table->close(b);
}

/* ---- kernels for an older architecture ---- */

/* How many kernels of such an architecture were allowed to begin before
 * those in front of them were done. */
static size_t early_of(int architecture)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    const size_t before = host_early_launches();
    host_compile_for(architecture);
    const lt_status s = lt_cuda_open(&b, 0, LT_BF16, &err); /* has launched its first kernel */
    host_compile_for(LT_CUDA_EARLY_OLDEST);
    if (s != LT_OK) {
        printf("FAILED sm_%d: %s\n", architecture, err.message);
        failures++;
        return 0;
    }
    b->table->close(b);
    return host_early_launches() - before;
}

static void check_early(void)
{
    expect(early_of(90) > 0, "kernels that can wait are launched early");
    expect(early_of(80) == 0, "kernels that cannot wait are not");
}

int main(void)
{
    check_plans();
    check_early();
    check_bands(LT_F32, (size_t)64 << 10, "bands-f32");
    check_bands(LT_BF16, 0, "rows-bf16");
    check_attention();
    check_nan(LT_F32);
    check_nan(LT_BF16);
    printf("%d failed\n", failures);
    return failures > 0;
}
