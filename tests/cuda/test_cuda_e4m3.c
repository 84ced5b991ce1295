/* test_cuda_e4m3.c - products and attention in 8 bits, on the host's emulation and on a card
 * (test_cuda_e4m3_card): every bf16 number is rounded to the nearest of E4M3; a weight that allows
 * it is multiplied so where the shape does, within the error that 3 bits of mantissa make, and else
 * as always; attention likewise. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/cublas_matmul.h"
#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_linear.h"

static int failed;

static void expect(bool holds, const char *what, double found)
{
    if (holds)
        return;
    printf("FAILED %s (%g)\n", what, found);
    failed++;
}

static lt_backend *open_card(void)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    if (lt_cuda_open(&b, 0, LT_BF16, &err) != LT_OK) {
        printf("FAILED %s\n", err.message);
        exit(1);
    }
    return b;
}

static void need(lt_status s, const lt_error *err)
{
    if (s == LT_OK)
        return;
    printf("FAILED %s\n", err->message);
    exit(1);
}

/* A copy of host memory on the device; NULL: just so much. */
static void *on_card(lt_backend *b, const void *host, size_t bytes)
{
    lt_error err = {0};
    void *memory = NULL;
    need(b->table->alloc(b, bytes, &memory, &err), &err);
    if (host != NULL)
        need(b->table->upload(b, memory, host, bytes, &err), &err);
    return memory;
}

/* ---- rounding ---- */

enum { COLUMNS = 64, LARGEST_BF16 = 0x43e0 /* 448 */, CODES = 0x7f };

static double number_of(int code)
{
    return code < 8 ? ldexp(code, -9) : ldexp(8 + code % 8, code / 8 - 10);
}

/* The nearest code, of two as near the even one. */
static int nearest(double x)
{
    int best = 0;
    for (int code = 1; code < CODES; code++) {
        const double nearer = fabs(number_of(best) - x) - fabs(number_of(code) - x);
        if (nearer > 0 || (nearer == 0 && code % 2 == 0))
            best = code;
    }
    return best;
}

/* Rows begin with 448, so that their scale is 1. */
static void every_number(void)
{
    enum { PER_ROW = COLUMNS - 1, ROWS = LARGEST_BF16 / PER_ROW + 1 };
    static uint16_t x[ROWS * COLUMNS];
    static uint8_t code[ROWS * COLUMNS];
    static float scale[ROWS];
    lt_error err = {0};
    lt_backend *b = open_card();
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        const int number = i / COLUMNS * PER_ROW + i % COLUMNS;
        x[i] = (uint16_t)(i % COLUMNS == 0 || number > LARGEST_BF16
                              ? LARGEST_BF16
                              : (number % 2 == 0 ? 0 : 0x8000) | number);
    }
    void *from = on_card(b, x, sizeof x);
    uint8_t *to = on_card(b, NULL, sizeof code);
    float *scales = on_card(b, NULL, sizeof scale);
    need(lt_cuda_to_e4m3((lt_cuda *)b, to, scales, lt_view(from, LT_BF16, lt_shape2(ROWS, COLUMNS)),
                         true, &err),
         &err);
    need(b->table->download(b, code, to, sizeof code, &err), &err);
    need(b->table->download(b, scale, scales, sizeof scale, &err), &err);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        const float value = lt_bf16_to_f32(x[i]);
        const int wanted = nearest(fabs((double)value)) | (x[i] & 0x8000 ? 0x80 : 0);
        expect(code[i] == wanted, "the nearest number of E4M3", (double)value);
    }
    for (int i = 0; i < ROWS; i++)
        expect(scale[i] == 1, "a scale of 1", (double)scale[i]);
    b->table->release(b, from);
    b->table->release(b, to);
    b->table->release(b, scales);
    b->table->close(b);
}

/* ---- products ---- */

static float draw(unsigned *state)
{
    float sum = 0;
    for (int i = 0; i < 4; i++) { /* nearly normal */
        *state = *state * 1664525U + 1013904223U;
        sum += (float)(*state >> 8) / (float)(1 << 23) - 1;
    }
    return sum;
}

/* bf16 [rows, inputs] . [outputs, inputs]^T on a card of that capability; `results` bf16. */
static void product(int capability, bool e4m3, int rows, int inputs, int outputs, uint16_t *results)
{
    lt_error err = {0};
    lt_backend *b = open_card();
    ((lt_cuda *)b)->facts.capability = capability;
    unsigned state = 7;
    uint16_t *x = calloc((size_t)rows * (size_t)inputs, sizeof *x);
    uint16_t *w = calloc((size_t)outputs * (size_t)inputs, sizeof *w);
    float *bias = calloc((size_t)outputs, sizeof *bias);
    if (x == NULL || w == NULL || bias == NULL)
        exit(1);
    for (int i = 0; i < rows * inputs; i++)
        x[i] = lt_f32_to_bf16(draw(&state) * (float)(1 + i / inputs % 5)); /* rows differ in size */
    for (int i = 0; i < outputs * inputs; i++)
        w[i] = lt_f32_to_bf16(draw(&state) * 0.02F);
    lt_weight weight = {.value = lt_view(w, LT_BF16, lt_shape2(outputs, inputs)),
                        .scale = lt_none(),
                        .role = LT_ROLE_MATRIX,
                        .rounding = e4m3 ? LT_ROUND_E4M3 : LT_ROUND_NONE};
    lt_weight vector = {.value = lt_view(bias, LT_F32, lt_shape1(outputs)),
                        .scale = lt_none(),
                        .role = LT_ROLE_VECTOR};
    need(b->table->prepare(b, &weight, &err), &err);
    need(b->table->prepare(b, &vector, &err), &err);
    const size_t bytes = (size_t)rows * (size_t)outputs * sizeof *results;
    void *in = on_card(b, x, (size_t)rows * (size_t)inputs * sizeof *x);
    void *out = on_card(b, NULL, bytes);
    need(b->table->linear(b, lt_view(out, LT_BF16, lt_shape2(rows, outputs)),
                          lt_view(in, LT_BF16, lt_shape2(rows, inputs)), &weight, &vector,
                          LT_ACT_NONE, &err),
         &err);
    need(b->table->download(b, results, out, bytes, &err), &err);
    b->table->release(b, in);
    b->table->release(b, out);
    b->table->unprepare(b, &weight);
    b->table->unprepare(b, &vector);
    b->table->close(b);
    free(bias);
    free(w);
    free(x);
}

/* Relative L2 of the product in E4M3 to that in bf16. */
static double error_of(int capability, int rows, int inputs, int outputs)
{
    const int count = rows * outputs;
    uint16_t *full = calloc((size_t)count, sizeof *full);
    uint16_t *narrow = calloc((size_t)count, sizeof *narrow);
    double apart = 0;
    double size = 0;
    if (full == NULL || narrow == NULL)
        exit(1);
    product(capability, false, rows, inputs, outputs, full);
    product(capability, true, rows, inputs, outputs, narrow);
    for (int i = 0; i < count; i++) {
        const double wanted = (double)lt_bf16_to_f32(full[i]);
        const double found = (double)lt_bf16_to_f32(narrow[i]);
        apart += (found - wanted) * (found - wanted);
        size += wanted * wanted;
    }
    free(narrow);
    free(full);
    return sqrt(apart / size);
}

/* A number with 3 bits of mantissa is off by 2.6 % of itself in the mean square at most (2^-4 /
 * sqrt(3) of a mantissa of 1 to 2, less for larger ones); both factors are, independently: below 5
 * % of the sum. */
static void products(int card)
{
    static const struct {
        int rows, inputs, outputs;
    } shape[] = {{9, 16, 16}, {33, 80, 48}, {12, 1920, 32}, {12, 7680, 32}, {2050, 32, 16}};
    static const int capability[] = {90, 89};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (size_t k = card == 90 ? 0 : 1; k < 2; k++) { /* one scale a matrix is for every card */
            const double error =
                error_of(capability[k], shape[i].rows, shape[i].inputs, shape[i].outputs);
            printf("sm_%d, %2d x %4d x %2d: relative L2 %.4f\n", capability[k], shape[i].rows,
                   shape[i].inputs, shape[i].outputs, error);
            expect(error > 1e-3 && error < 5e-2, "as far from bf16 as 3 bits of mantissa are",
                   error);
        }
    expect(error_of(card, 8, 64, 16) == 0, "few rows read the weight as it is", 0);
    expect(error_of(card, 9, 24, 16) == 0, "rows of 24 bytes are multiplied in bf16", 0);
    expect(error_of(card, 9, 64, 24) == 0, "24 outputs are multiplied in bf16", 0);
}

#ifdef EMULATED_CARD
/* A library that refuses a scale for each row on sm_90. */
static void older_library(void)
{
    host_set_cublas(LT_CUBLAS_SCALES_ROWS - 100);
    const double error = error_of(90, 33, 80, 48);
    host_set_cublas(LT_CUBLAS_SCALES_ROWS);
    expect(error > 1e-3 && error < 5e-2, "an older library is given one scale a matrix", error);
}
#endif

/* ---- attention ---- */

typedef struct {
    int batches, n, m, heads, d;
    bool flat; /* q and k are 0, so that all weights are the same */
} attention_shape;

enum { Q_SIZE = 30, V_SIZE = 100 }; /* values that one unit for all three would not do for */

/* q, k and v are columns of one matrix [B, m, 3, h, d], of which q has the first n rows. */
static uint16_t *fused_rows(const attention_shape *s)
{
    const int width = s->heads * s->d;
    const int count = s->batches * s->m * 3 * width;
    const float size[] = {s->flat ? 0 : Q_SIZE, s->flat ? 0 : 1.0F / Q_SIZE, V_SIZE};
    unsigned state = 11;
    uint16_t *x = calloc((size_t)count, sizeof *x);
    if (x == NULL)
        exit(1);
    for (int i = 0; i < count; i++)
        x[i] = lt_f32_to_bf16(draw(&state) * size[i / width % 3]);
    return x;
}

static void attend(const attention_shape *s, lt_rounding rounding, const uint16_t *x,
                   uint16_t *results)
{
    lt_error err = {0};
    lt_backend *b = open_card();
    const size_t bytes =
        (size_t)s->batches * (size_t)s->n * (size_t)s->heads * (size_t)s->d * sizeof *results;
    void *in = on_card(
        b, x, (size_t)s->batches * (size_t)s->m * 3 * (size_t)s->heads * (size_t)s->d * sizeof *x);
    void *out = on_card(b, NULL, bytes);
    const lt_tensor all = lt_view(in, LT_BF16, lt_shape5(s->batches, s->m, 3, s->heads, s->d));
    const lt_attention_args a = {.scale = 1.0F / sqrtf((float)s->d),
                                 .visible = lt_none(),
                                 .bias = lt_none(),
                                 .rounding = rounding};
    need(b->table->attention(b, lt_view(out, LT_BF16, lt_shape4(s->batches, s->n, s->heads, s->d)),
                             lt_slice(lt_select(all, 2, 0), 1, 0, s->n), lt_select(all, 2, 1),
                             lt_select(all, 2, 2), &a, &err),
         &err);
    need(b->table->download(b, results, out, bytes, &err), &err);
    b->table->release(b, in);
    b->table->release(b, out);
    b->table->close(b);
}

/* The row of attention that results begin at `out` for, in double. */
static void exact_row(const attention_shape *s, const uint16_t *x, int batch, int row, int head,
                      double *weight, double *out)
{
    const int width = s->heads * s->d;
    const uint16_t *of_batch =
        x + (size_t)batch * (size_t)s->m * 3 * (size_t)width + (size_t)head * (size_t)s->d;
    double total = 0;
    memset(out, 0, (size_t)s->d * sizeof *out);
    for (int key = 0; key < s->m; key++) {
        double dot = 0;
        for (int i = 0; i < s->d; i++)
            dot +=
                (double)lt_bf16_to_f32(of_batch[(size_t)row * 3 * (size_t)width + (size_t)i]) *
                (double)lt_bf16_to_f32(of_batch[((size_t)key * 3 + 1) * (size_t)width + (size_t)i]);
        weight[key] = exp(dot / sqrt(s->d));
        total += weight[key];
    }
    for (int key = 0; key < s->m; key++)
        for (int i = 0; i < s->d; i++)
            out[i] +=
                weight[key] / total *
                (double)lt_bf16_to_f32(of_batch[((size_t)key * 3 + 2) * (size_t)width + (size_t)i]);
}

/* Relative L2 of attention in E4M3 to what it is of the same bf16 numbers. */
static double attention_error(const attention_shape *s)
{
    const int width = s->heads * s->d;
    uint16_t *x = fused_rows(s);
    uint16_t *results = calloc((size_t)s->batches * (size_t)s->n * (size_t)width, sizeof *results);
    double *weight = calloc((size_t)s->m + (size_t)s->d, sizeof *weight);
    double apart = 0;
    double size = 0;
    if (results == NULL || weight == NULL)
        exit(1);
    attend(s, LT_ROUND_E4M3, x, results);
    double *wanted = weight + s->m;
    for (int i = 0; i < s->batches * s->n * s->heads; i++) {
        exact_row(s, x, i / s->heads / s->n, i / s->heads % s->n, i % s->heads, weight, wanted);
        for (int k = 0; k < s->d; k++) {
            const double found = (double)lt_bf16_to_f32(results[i * s->d + k]);
            apart += (found - wanted[k]) * (found - wanted[k]);
            size += wanted[k] * wanted[k];
        }
    }
    free(weight);
    free(results);
    free(x);
    return sqrt(apart / size);
}

static bool same_as_ever(const attention_shape *s)
{
    const size_t count = (size_t)s->batches * (size_t)s->n * (size_t)s->heads * (size_t)s->d;
    uint16_t *x = fused_rows(s);
    uint16_t *exact = calloc(2 * count, sizeof *exact);
    if (exact == NULL)
        exit(1);
    attend(s, LT_ROUND_NONE, x, exact);
    attend(s, LT_ROUND_E4M3, x, exact + count);
    const bool same = memcmp(exact, exact + count, count * sizeof *exact) == 0;
    free(exact);
    free(x);
    return same;
}

/* Of random values, of which a mean has nothing in common: v and weights are rounded, 2.6 % each,
 * and q and k, which shifts a score by 3.7 % of 1.3 and its weight by as much: 6 % together, more
 * where few weights count. */
static void attentions(void)
{
    static const attention_shape shape[] = {
        {1, 1000, 1100, 2, 64, false}, {2, 1000, 1088, 1, 64, false}, {1, 1024, 1025, 1, 64, true}};
    static const attention_shape in_bf16[] = {{1, 96, 96, 2, 64, false},
                                              {1, 1024, 1040, 1, 16, false}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        const double error = attention_error(&shape[i]);
        printf("attention, %d x %d, %d heads of %d: relative L2 %.4f\n", shape[i].n, shape[i].m,
               shape[i].heads, shape[i].d, error);
        expect(error > 1e-2 && error < 9e-2, "as far from exact as 3 bits of mantissa are", error);
    }
    for (size_t i = 0; i < sizeof in_bf16 / sizeof *in_bf16; i++)
        expect(same_as_ever(&in_bf16[i]), "what is small, and heads of 16, stay in bf16",
               in_bf16[i].d);
}

static bool has_attention(void)
{
    lt_backend *b = open_card();
    const bool has = lt_cuda_has_attention_e4m3((lt_cuda *)b);
    b->table->close(b);
    return has;
}

int main(void)
{
    lt_error err = {0};
    lt_cuda_facts card;
    if (lt_cuda_look(0, &card, &err) != LT_OK) {
        printf("skipped: %s\n", err.message);
        return 77;
    }
    every_number();
    if (card.capability >= LT_CUDA_E4M3_OLDEST)
        products(card.capability);
    else
        printf("%s has no products in E4M3\n", card.name);
#ifdef EMULATED_CARD
    older_library();
#endif
    if (has_attention())
        attentions();
    else
        printf("%s, as this was built for it, has no attention in E4M3\n", card.name);
    printf("%d failed\n", failed);
    return failed > 0;
}
