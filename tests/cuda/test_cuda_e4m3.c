/* test_cuda_e4m3.c - products in 8 bits, on the host's emulation and on a card (test_cuda_e4m3_card): every bf16 number is rounded to the nearest of E4M3; a weight that
 * allows it is multiplied so where the shape does, within the error that 3 bits of mantissa make, and else as always. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        x[i] = (uint16_t)(i % COLUMNS == 0 || number > LARGEST_BF16 ? LARGEST_BF16 : (number % 2 == 0 ? 0 : 0x8000) | number);
    }
    void *from = on_card(b, x, sizeof x);
    uint8_t *to = on_card(b, NULL, sizeof code);
    float *scales = on_card(b, NULL, sizeof scale);
    need(lt_cuda_to_e4m3((lt_cuda *)b, to, scales, lt_view(from, LT_BF16, lt_shape2(ROWS, COLUMNS)), true, &err), &err);
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
    lt_weight weight = {.value = lt_view(w, LT_BF16, lt_shape2(outputs, inputs)), .scale = lt_none(), .role = LT_ROLE_MATRIX,
                        .rounding = e4m3 ? LT_ROUND_E4M3 : LT_ROUND_NONE};
    lt_weight vector = {.value = lt_view(bias, LT_F32, lt_shape1(outputs)), .scale = lt_none(), .role = LT_ROLE_VECTOR};
    need(b->table->prepare(b, &weight, &err), &err);
    need(b->table->prepare(b, &vector, &err), &err);
    const size_t bytes = (size_t)rows * (size_t)outputs * sizeof *results;
    void *in = on_card(b, x, (size_t)rows * (size_t)inputs * sizeof *x);
    void *out = on_card(b, NULL, bytes);
    need(b->table->linear(b, lt_view(out, LT_BF16, lt_shape2(rows, outputs)), lt_view(in, LT_BF16, lt_shape2(rows, inputs)), &weight,
                          &vector, LT_ACT_NONE, &err),
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

/* A number with 3 bits of mantissa is off by 2.6 % of itself in the mean square at most (2^-4 / sqrt(3) of a mantissa of 1 to 2,
 * less for larger ones); both factors are, independently: below 5 % of the sum. */
static void products(int card)
{
    static const struct {
        int rows, inputs, outputs;
    } shape[] = {{9, 16, 16}, {33, 80, 48}, {12, 1920, 32}, {12, 7680, 32}};
    static const int capability[] = {90, 89};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (size_t k = card == 90 ? 0 : 1; k < 2; k++) { /* one scale a matrix is for every card */
            const double error = error_of(capability[k], shape[i].rows, shape[i].inputs, shape[i].outputs);
            printf("sm_%d, %2d x %4d x %2d: relative L2 %.4f\n", capability[k], shape[i].rows, shape[i].inputs, shape[i].outputs, error);
            expect(error > 1e-3 && error < 5e-2, "as far from bf16 as 3 bits of mantissa are", error);
        }
    expect(error_of(card, 8, 64, 16) == 0, "few rows read the weight as it is", 0);
    expect(error_of(card, 9, 24, 16) == 0, "rows of 24 bytes are multiplied in bf16", 0);
    expect(error_of(card, 9, 64, 24) == 0, "24 outputs are multiplied in bf16", 0);
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
    printf("%d failed\n", failed);
    return failed > 0;
}
