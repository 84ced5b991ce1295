/* test_cpu_narrow.c - products of bf16: exact sums of small integers wherever the runs and rows of
 * a tile lie, rows that are not finite, the same bytes for one, two and three threads. Every level
 * that the processor runs and that multiplies bf16, and test_cpu_narrow_emulated those of
 * tests/emulated/. Shapes and layouts through operations are in the parity table.
 */
#include <math.h>
#include <stdlib.h>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/cpu_processor.h"
#include "tests/support/check.h"

static const lt_cpu_level *next_level(const lt_cpu_level *level)
{
    while (level->name != NULL && (level->narrow == NULL || !lt_processor_runs(level)))
        level++;
    return level;
}

/* for (level of those that are tested) */
#define FOR_LEVELS(level)                                                                          \
    for (const lt_cpu_level *level = next_level(lt_cpu_levels); level->name != NULL;               \
         level = next_level(level + 1))

static uint32_t state;

static int draw(int low, int high)
{
    state = state * 1664525u + 1013904223u;
    return low + (int)((state >> 8) % (uint32_t)(high - low + 1));
}

static void draw_bf16(uint16_t *x, int64_t count, int low, int high)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = lt_f32_to_bf16((float)draw(low, high));
}

/* ---- the product of a tile ---- */

enum {
    RUNS = 3,
    MOST_INPUTS = 3 * 384,
    ROWS_MOST = 64,
    COLUMNS_MOST = 32,
    LEFT_GAP = 100,
    C_PITCH = COLUMNS_MOST + 7
};

/* Runs of inputs on the left, the distance between its rows, and how many columns W has. */
typedef struct {
    int64_t run[RUNS]; /* 0: no more */
    int64_t stride;    /* 0: all runs and LEFT_GAP; less: rows that overlap, as a convolution's */
    int64_t fewer;     /* columns than a panel has */
} tile_case;

static const tile_case tile_cases[] = {
    {{1}, 0, 0},   {{2}, 0, 1},          {{31}, 0, 0},        {{32}, 0, 0},
    {{33}, 0, 5},  {{64}, 0, 0},         {{100}, 0, 9},       {{383}, 0, 0},
    {{384}, 0, 0}, {{64, 32, 96}, 0, 3}, {{5, 33, 64}, 0, 0}, {{24}, 8, 0},
    {{72}, 24, 2}, {{3}, 1, 0},          {{48}, 96, 0},       {{96, 96, 96}, 32, 0},
};

/* What lies where element i of a tile's sums comes: each another number,
 * or none that could be a sum. */
static float before_of(int i, bool first)
{
    return first ? NAN : (float)i;
}

static void check_tile(const char *name, const lt_product *p, const tile_case *t, bool first)
{
    static uint16_t left[ROWS_MOST * (MOST_INPUTS + LEFT_GAP) + LT_STEP_MAX];
    static uint16_t w[COLUMNS_MOST * MOST_INPUTS];
    static uint16_t panel[COLUMNS_MOST * (MOST_INPUTS + RUNS * LT_STEP_MAX)];
    static float c[ROWS_MOST * C_PITCH];
    lt_stretch stretch[RUNS];
    const int64_t columns = p->columns - t->fewer;
    int64_t inputs = 0;
    int64_t packed = 0;
    int runs = 0;
    draw_bf16(left, sizeof left / sizeof *left, -7, 7);
    draw_bf16(w, sizeof w / sizeof *w, -7, 7);
    memset(panel, 0xff, sizeof panel);
    for (; runs < RUNS && t->run[runs] > 0; runs++) {
        /* The last run first: offsets need not rise. */
        stretch[runs] =
            (lt_stretch){.offset = 11 * (RUNS - runs), .run = lt_padded_depth(p, t->run[runs])};
        p->pack(panel + packed * p->columns, w + inputs, LT_BF16, MOST_INPUTS, columns,
                t->run[runs]);
        inputs += t->run[runs];
        packed += stretch[runs].run;
    }
    const int64_t stride = t->stride > 0 ? t->stride : packed + LEFT_GAP;
    for (int i = 0; i < ROWS_MOST * C_PITCH; i++)
        c[i] = before_of(i, first);
    lt_begin_products(p);
    p->multiply(c, C_PITCH, left, stride, stretch, runs, panel, first);
    lt_end_products(p);
    for (int i = 0; i < ROWS_MOST * C_PITCH; i++) {
        const int r = i / C_PITCH;
        const int o = i % C_PITCH;
        const bool inside = r < p->rows && o < p->columns;
        float want = inside && first ? 0 : before_of(i, first);
        int64_t at = 0;
        for (int s = 0; s < runs; at += t->run[s++])
            for (int64_t k = 0; k < t->run[s] && inside && o < columns; k++)
                want += lt_bf16_to_f32(left[r * stride + stretch[s].offset + k]) *
                        lt_bf16_to_f32(w[o * MOST_INPUTS + at + k]);
        if (memcmp(&c[i], &want, sizeof want) != 0)
            fail_msg("%s, %d rows, runs of %d, %d, %d, row %d, column %d: got %g, want %g", name,
                     p->rows, (int)t->run[0], (int)t->run[1], (int)t->run[2], r, o, (double)c[i],
                     (double)want);
    }
}

static void sums_are_exact(void **unused)
{
    (void)unused;
    FOR_LEVELS(level)
    for (size_t i = 0;
         i < sizeof tile_cases / sizeof *tile_cases && level->narrow->rounding == LT_ROUND_NONE;
         i++) {
        state = (uint32_t)i;
        check_tile(level->name, &level->narrow->wide, &tile_cases[i], true);
        check_tile(level->name, &level->narrow->wide, &tile_cases[i], false);
        check_tile(level->name, &level->narrow->slim, &tile_cases[i], true);
        check_tile(level->name, &level->narrow->slim, &tile_cases[i], false);
    }
}

/* ---- whole operations ---- */

static lt_backend *open_with(const lt_cpu_level *level, int threads)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    check_ok(lt_cpu_open(&b, threads, LT_BF16, &err), err);
    lt_cpu_use(lt_cpu_of(b), level);
    return b;
}

static void multiply(lt_backend *b, uint16_t *out, const uint16_t *x, const uint16_t *w,
                     int64_t rows, int64_t in, int64_t outputs)
{
    lt_error err = {0};
    lt_weight weight = {.value = lt_view((void *)w, LT_BF16, lt_shape2(outputs, in)),
                        .role = LT_ROLE_MATRIX};
    check_ok(b->table->prepare(b, &weight, &err), err);
    check_ok(b->table->linear(b, lt_view(out, LT_BF16, lt_shape2(rows, outputs)),
                              lt_view((void *)x, LT_BF16, lt_shape2(rows, in)), &weight, NULL,
                              LT_ACT_NONE, &err),
             err);
    b->table->unprepare(b, &weight);
}

static void attend(lt_backend *b, uint16_t *out, uint16_t *q, uint16_t *k, uint16_t *v,
                   int64_t rows, int64_t keys, int64_t heads, int64_t d,
                   const lt_attention_args *args)
{
    lt_error err = {0};
    const lt_shape of_rows = lt_shape4(1, rows, heads, d);
    const lt_shape of_keys = lt_shape4(1, keys, heads, d);
    check_ok(b->table->attention(b, lt_view(out, LT_BF16, of_rows), lt_view(q, LT_BF16, of_rows),
                                 lt_view(k, LT_BF16, of_keys), lt_view(v, LT_BF16, of_keys), args,
                                 &err),
             err);
}

/* A row with a NaN or an infinity gives no finite number, and leaves the other rows alone. */
static void rows_that_are_not_finite(void **unused)
{
    (void)unused;
    enum { ROWS = 70, IN = 77, MOST = 40 };
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    FOR_LEVELS(level)
    for (int outputs = 9; outputs <= MOST; outputs += MOST - 9) { /* slim, wide */
        lt_backend *b = open_with(level, 1);
        uint16_t x[ROWS * IN];
        uint16_t w[MOST * IN];
        uint16_t clean[ROWS * MOST];
        uint16_t out[ROWS * MOST];
        draw_bf16(x, ROWS * IN, -100, 100);
        draw_bf16(w, MOST * IN, 1, 100);
        multiply(b, clean, x, w, ROWS, IN, outputs);
        for (int i = 0; i < 3; i++)
            x[(5 + 20 * i) * IN + 38 * i] = lt_f32_to_bf16(odd[i]);
        multiply(b, out, x, w, ROWS, IN, outputs);
        for (int i = 0; i < ROWS * outputs; i++)
            if (i / outputs % 20 == 5 && i / outputs < 60 ? isfinite(lt_bf16_to_f32(out[i]))
                                                          : out[i] != clean[i])
                fail_msg("%s: row %d, output %d of %d: %g", level->name, i / outputs, i % outputs,
                         outputs, (double)lt_bf16_to_f32(out[i]));
        b->table->close(b);
    }
}

/* The same of a query whose row of scratch others use before and after it, and where the last keys
 * end within a step. */
static void queries_that_are_not_finite(void **unused)
{
    (void)unused;
    enum { ROWS = 104, KEYS = 266, HEADS = 16, D = 16, ODD = 100 * HEADS + 3 };
    static uint16_t q[ROWS * HEADS * D];
    static uint16_t k[KEYS * HEADS * D];
    static uint16_t v[KEYS * HEADS * D];
    static uint16_t clean[ROWS * HEADS * D];
    static uint16_t out[ROWS * HEADS * D];
    const lt_attention_args args = {.scale = 0.25f, .visible = lt_none(), .bias = lt_none()};
    draw_bf16(q, ROWS * HEADS * D, -2, 2);
    draw_bf16(k, KEYS * HEADS * D, -2, 2);
    draw_bf16(v, KEYS * HEADS * D, -100, 100);
    FOR_LEVELS(level)
    {
        lt_backend *b = open_with(level, 1);
        for (int odd = 0; odd < 2; odd++) {
            const uint16_t kept = q[ODD * D + 5];
            q[ODD * D + 5] = odd ? lt_f32_to_bf16(NAN) : kept;
            attend(b, odd ? out : clean, q, k, v, ROWS, KEYS, HEADS, D, &args);
            q[ODD * D + 5] = kept;
        }
        for (int i = 0; i < ROWS * HEADS * D; i++) {
            if (i / D == ODD ? isfinite(lt_bf16_to_f32(out[i])) : out[i] != clean[i])
                fail_msg("%s: query %d, head %d: %g", level->name, i / D / HEADS, i / D % HEADS,
                         (double)lt_bf16_to_f32(out[i]));
        }
        b->table->close(b);
    }
}

enum { THREADS_MOST = 3 };

static void linear_is_the_same_for_any_threads(void **unused)
{
    (void)unused;
    enum { ROWS = 130, IN = 515, OUT = 131 };
    static uint16_t x[ROWS * IN];
    static uint16_t w[OUT * IN];
    static uint16_t out[THREADS_MOST][ROWS * OUT];
    draw_bf16(x, ROWS * IN, -100, 100);
    draw_bf16(w, OUT * IN, -100, 100);
    FOR_LEVELS(level)
    for (int i = 0; i < THREADS_MOST; i++) {
        lt_backend *b = open_with(level, i + 1);
        multiply(b, out[i], x, w, ROWS, IN, OUT);
        assert_memory_equal(out[i], out[0], sizeof out[0]);
        b->table->close(b);
    }
}

static void attention_is_the_same_for_any_threads(void **unused)
{
    (void)unused;
    enum { ROWS = 130, KEYS = 300, HEADS = 3, D = 40 };
    static uint16_t q[ROWS * HEADS * D];
    static uint16_t k[KEYS * HEADS * D];
    static uint16_t v[KEYS * HEADS * D];
    static float bias[HEADS * (ROWS + KEYS - 1)];
    static int32_t visible[ROWS];
    static uint16_t out[THREADS_MOST][ROWS * HEADS * D];
    draw_bf16(q, ROWS * HEADS * D, -2, 2);
    draw_bf16(k, KEYS * HEADS * D, -2, 2);
    draw_bf16(v, KEYS * HEADS * D, -100, 100);
    for (int i = 0; i < HEADS * (ROWS + KEYS - 1); i++)
        bias[i] = (float)draw(-4, 4);
    for (int i = 0; i < ROWS; i++)
        visible[i] = KEYS - ROWS + 1 + i;
    const lt_attention_args args = {.scale = 0.15f,
                                    .visible = lt_view(visible, LT_I32, lt_shape1(ROWS)),
                                    .bias =
                                        lt_view(bias, LT_F32, lt_shape2(HEADS, ROWS + KEYS - 1))};
    FOR_LEVELS(level)
    for (int i = 0; i < THREADS_MOST; i++) {
        lt_backend *b = open_with(level, i + 1);
        attend(b, out[i], q, k, v, ROWS, KEYS, HEADS, D, &args);
        assert_memory_equal(out[i], out[0], sizeof out[0]);
        b->table->close(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(rows_that_are_not_finite),
        cmocka_unit_test(queries_that_are_not_finite),
        cmocka_unit_test(linear_is_the_same_for_any_threads),
        cmocka_unit_test(attention_is_the_same_for_any_threads),
    };
    if (next_level(lt_cpu_levels)->name == NULL) {
        printf("skipped: the processor does not multiply bf16\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
