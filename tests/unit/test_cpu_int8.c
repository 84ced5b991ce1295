/* test_cpu_int8.c - products in integers of 8 bits: exact sums of known codes, rounding within half
 * a step, rows that are not finite. Every product that the processor runs, and
 * test_cpu_int8_emulated those of VNNI and AMX in plain C (tests/emulated/). Shapes and layouts
 * through `linear` are in the parity table.
 */
#include <math.h>
#include <stdlib.h>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/cpu_processor.h"
#include "tests/support/check.h"

typedef struct {
    const char *name;
    const lt_product *product;
    const lt_cpu_kernels *kernels;
    int lowest; /* codes of W */
    int highest;
} subject;

enum { SUBJECTS = 12 };

static int find_subjects(subject out[SUBJECTS])
{
    int n = 0;
    for (const lt_cpu_level *level = lt_cpu_levels; level->name != NULL; level++)
        if (lt_processor_runs(level)) {
            out[n++] = (subject){level->name, level->int8, level->kernels, -128, 127};
            if (level->int4 != level->int8)
                out[n++] = (subject){level->name, level->int4, level->kernels, -8, 7};
        }
    return n;
}

static uint32_t state;

static int draw(int low, int high)
{
    state = state * 1664525u + 1013904223u;
    return low + (int)((state >> 8) % (uint32_t)(high - low + 1));
}

static void *room(int64_t bytes)
{
    void *memory = aligned_alloc(64, (size_t)((bytes + 63) / 64 * 64));
    assert_non_null(memory);
    return memory;
}

/* ---- the product of a tile ---- */

/* x of integers whose units have 127 in them: their scales are 1,
 * and the codes are the integers. */
static void draw_rows(float *x, int8_t *w, const subject *s, int64_t depth, int extreme)
{
    const lt_product *p = s->product;
    for (int64_t i = 0; i < p->rows * depth; i++)
        x[i] = (float)(i % depth % p->unit == 0 ? 127
                       : extreme                ? 127 - 254 * (int)(i % 2)
                                                : draw(-127, 127));
    for (int64_t i = 0; i < p->columns * depth; i++)
        w[i] = (int8_t)(!extreme     ? draw(s->lowest, s->highest)
                        : i % 2 != 0 ? s->lowest
                                     : s->highest);
}

static void sums_of(const lt_product *p, float *c, const float *x, const int8_t *w, int64_t depth,
                    bool first)
{
    char *left = room(p->rows * p->left_pitch);
    char *panel = room(lt_panel_bytes(p, depth));
    const int64_t unit_bytes = p->unit_head + (int64_t)p->unit * p->columns;
    for (int r = 0; r < p->rows; r++)
        p->load(left + r * p->left_pitch, x + r * depth, LT_F32, depth);
    p->pack(panel, w, LT_I8, depth, p->columns, depth);
    for (int64_t u = 0; u * p->unit < depth; u++)
        for (int i = 0; i < p->columns; i++)
            ((float *)(void *)(panel + u * unit_bytes))[i] = 1;
    const lt_stretch stretch = {.run = lt_padded_depth(p, depth)};
    lt_begin_products(p);
    p->multiply(c, p->columns, left, p->left_pitch, &stretch, 1, panel, first);
    lt_end_products(p);
    free(left);
    free(panel);
}

static void sums_are_exact(void **unused)
{
    (void)unused;
    static const int64_t depths[] = {1, 4, 31, 32, 33, 63, 64, 65, 100, 320, 511, 512};
    subject all[SUBJECTS];
    const int n = find_subjects(all);
    for (int s = 0; s < n; s++)
        for (size_t d = 0; d < 2 * sizeof depths / sizeof *depths; d++) {
            const lt_product *p = all[s].product;
            const int64_t depth = depths[d / 2];
            float *x = room(p->rows * depth * (int64_t)sizeof *x);
            int8_t *w = room(p->columns * depth);
            float *c = room((int64_t)p->rows * p->columns * (int64_t)sizeof *c);
            state = (uint32_t)d;
            draw_rows(x, w, &all[s], depth, d % 2 != 0);
            for (int again = 0; again < 2; again++) /* then added to what is there */
                sums_of(p, c, x, w, depth, again == 0);
            for (int r = 0; r < p->rows; r++)
                for (int o = 0; o < p->columns; o++) {
                    int64_t want = 0; /* below 2^24: every f32 on the way is exact */
                    for (int64_t k = 0; k < depth; k++)
                        want += (int64_t)x[r * depth + k] * w[o * depth + k];
                    const double got = (double)c[r * p->columns + o];
                    if (got != 2.0 * (double)want)
                        fail_msg("%s, %d inputs, row %d, column %d: got %.1f, want twice %d",
                                 all[s].name, (int)depth, r, o, got, (int)want);
                }
            free(x);
            free(w);
            free(c);
        }
}

/* ---- rounding ---- */

static void rounding_is_half_a_step_at_most(void **unused)
{
    (void)unused;
    enum { COUNT = 77, LENGTH = 32, UNITS = 3 };
    subject all[SUBJECTS];
    const int n = find_subjects(all);
    for (int s = 0; s < n; s++)
        for (int power = -140; power <= 120; power += 13) {
            float x[COUNT];
            int8_t codes[COUNT + 1];
            float scale[2 * UNITS];
            for (int i = 0; i < COUNT; i++)
                x[i] = ldexpf((float)draw(-1000000, 1000000), power - 20);
            codes[COUNT] = 99;
            all[s].kernels->round_units(codes, scale, 2, x, LT_F32, COUNT, LENGTH);
            assert_int_equal(codes[COUNT], 99);
            for (int i = 0; i < COUNT; i++) {
                float largest = 0;
                for (int k = i / LENGTH * LENGTH; k < COUNT && k < i / LENGTH * LENGTH + LENGTH;
                     k++)
                    largest = fmaxf(largest, fabsf(x[k]));
                /* the code itself is rounded */
                const double bound =
                    largest > 0x1p-120f ? (double)largest / 254 * (1 + 0x1p-15) : (double)largest;
                const double error =
                    fabs((double)codes[i] * (double)scale[2 * (i / LENGTH)] - (double)x[i]);
                if (!(error <= bound))
                    fail_msg("%s: %g became %d times %g", all[s].name, (double)x[i], codes[i],
                             (double)scale[2 * (i / LENGTH)]);
            }
        }
}

/* Of blocks of q8 and q4 whose scales may be negative, in units of one block or several: within
 * half a step of the largest scale, of q4 a 15th of it, and exact where a block has that scale.
 * -128 with its negative would be a code of 128. */
static void blocks_are_rounded_to_the_largest_scale(void **unused)
{
    (void)unused;
    enum { COUNT = 160, BLOCKS = COUNT / LT_BLOCK };
    static const lt_dtype kinds[] = {LT_Q8, LT_Q4};
    subject all[SUBJECTS];
    const int n = find_subjects(all);
    for (int s = 0; s < n; s++)
        for (int round = 0; round < 200; round++) {
            const lt_dtype kind = kinds[round % 2];
            const int64_t length = 32 << round % 5;
            uint8_t stored[COUNT];
            float block_scale[BLOCKS];
            int8_t codes[COUNT + 1];
            float scale[2 * BLOCKS];
            for (int i = 0; i < COUNT; i++)
                lt_store_element(stored, kind, i, kind == LT_Q8 ? draw(-128, 127) : draw(-8, 7));
            for (int b = 0; b < BLOCKS; b++)
                block_scale[b] = ldexpf((float)draw(-3, 3), -10);
            codes[COUNT] = 99;
            all[s].kernels->round_blocks(codes, scale, 2, stored, kind, block_scale, COUNT, length);
            assert_int_equal(codes[COUNT], 99);
            for (int i = 0; i < COUNT; i++) {
                const int64_t first = i / length * length / LT_BLOCK;
                float largest = 0;
                for (int64_t b = first; b < BLOCKS && b < first + length / LT_BLOCK; b++)
                    largest = fmaxf(largest, fabsf(block_scale[b]));
                const double step = (double)largest / (kind == LT_Q4 ? 15 : 1);
                const double factor = (double)block_scale[i / LT_BLOCK];
                const double value = lt_load_element(stored, kind, i) * factor;
                const double want = fmin(value, 127 * step);
                const double error =
                    fabs((double)codes[i] * (double)scale[2 * (i / length)] - want);
                /* the scale of 128 codes is rounded */
                if (!(error <= (factor == (double)largest ? 0 : step / 2) + 1e-5 * step))
                    fail_msg("%s, units of %d: %g became %d times %g", all[s].name, (int)length,
                             value, codes[i], (double)scale[2 * (i / length)]);
            }
        }
}

static void a_scale_that_is_no_number_stays(void **unused)
{
    (void)unused;
    static const uint8_t stored[3 * LT_BLOCK] = {1};
    static const float block_scale[] = {1, NAN, 2};
    subject all[SUBJECTS];
    const int n = find_subjects(all);
    for (int s = 0; s < n; s++) {
        int8_t codes[3 * LT_BLOCK];
        float scale;
        all[s].kernels->round_blocks(codes, &scale, 1, stored, LT_Q8, block_scale, 3 * LT_BLOCK,
                                     128);
        assert_true(isnan(scale));
    }
}

/* ---- the whole operation ---- */

static lt_backend *open_with(const subject *s)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    check_ok(lt_cpu_open(&b, 2, LT_F32, &err), err);
    lt_cpu_of(b)->kernels = s->kernels;
    if (s->highest > 7)
        lt_cpu_of(b)->int8 = s->product;
    lt_cpu_of(b)->int4 = s->product;
    return b;
}

/* A row with a NaN or an infinity gives no finite number, and leaves the other rows alone; a row of
 * zeros gives zeros. */
static void rows_that_are_not_finite(void **unused)
{
    (void)unused;
    enum { ROWS = 9, IN = 96, OUT = 40 };
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    subject all[SUBJECTS];
    const int n = find_subjects(all);
    for (int s = 0; s < n; s++) {
        lt_error err = {0};
        lt_backend *b = open_with(&all[s]);
        float x[ROWS][IN];
        float w[OUT][IN];
        float clean[ROWS][OUT];
        float out[ROWS][OUT];
        for (int i = 0; i < ROWS * IN; i++)
            x[i / IN][i % IN] = (float)draw(-100, 100);
        for (int i = 0; i < OUT * IN; i++)
            w[i / IN][i % IN] = (float)draw(1, 100);
        memset(x[4], 0, sizeof x[4]);
        lt_weight weight = {.value = lt_view(w, LT_F32, lt_shape2(OUT, IN)),
                            .role = LT_ROLE_MATRIX,
                            .rounding = LT_ROUND_INT8};
        check_ok(b->table->prepare(b, &weight, &err), err);
        const lt_tensor in = lt_view(x, LT_F32, lt_shape2(ROWS, IN));
        check_ok(b->table->linear(b, lt_view(clean, LT_F32, lt_shape2(ROWS, OUT)), in, &weight,
                                  NULL, LT_ACT_NONE, &err),
                 err);
        for (int i = 0; i < 3; i++)
            x[1 + 3 * i][31 * (i + 1)] = odd[i];
        x[4][3] = x[4][62];
        check_ok(b->table->linear(b, lt_view(out, LT_F32, lt_shape2(ROWS, OUT)), in, &weight, NULL,
                                  LT_ACT_NONE, &err),
                 err);
        for (int r = 0; r < ROWS; r++)
            for (int o = 0; o < OUT; o++) {
                if (r == 4)
                    assert_true(clean[r][o] == 0);
                if (r % 3 == 1 ? isfinite(out[r][o]) : out[r][o] != clean[r][o])
                    fail_msg("%s: row %d, output %d: %g", all[s].name, r, o, (double)out[r][o]);
            }
        b->table->unprepare(b, &weight);
        b->table->close(b);
    }
}

/* With room for a few rounded rows or for all: the same bytes. */
static void rows_do_not_depend_on_what_is_rounded_with_them(void **unused)
{
    (void)unused;
    enum { ROWS = 300, IN = 1056, OUT = 258 };
    static float x[ROWS][IN];
    static float w[OUT][IN];
    static float out[2][ROWS][OUT];
    subject all[SUBJECTS];
    const int n = find_subjects(all);
    for (int i = 0; i < ROWS * IN; i++)
        x[i / IN][i % IN] = (float)draw(-100, 100);
    for (int i = 0; i < OUT * IN; i++)
        w[i / IN][i % IN] = (float)draw(-100, 100);
    for (int s = 0; s < n; s++) {
        lt_error err = {0};
        lt_backend *b = open_with(&all[s]);
        lt_weight weight = {.value = lt_view(w, LT_F32, lt_shape2(OUT, IN)),
                            .role = LT_ROLE_MATRIX,
                            .rounding = LT_ROUND_INT8};
        check_ok(b->table->prepare(b, &weight, &err), err);
        for (int small = 0; small < 2; small++) {
            if (small)
                lt_cpu_of(b)->rounded_bytes = 200 << 10; /* 60 to 130 rows of three pieces */
            check_ok(b->table->linear(b, lt_view(out[small], LT_F32, lt_shape2(ROWS, OUT)),
                                      lt_view(x, LT_F32, lt_shape2(ROWS, IN)), &weight, NULL,
                                      LT_ACT_NONE, &err),
                     err);
        }
        assert_memory_equal(out[0], out[1], sizeof out[0]);
        b->table->unprepare(b, &weight);
        b->table->close(b);
    }
}

/* Panels that are made at load and those that are made when they are used give the same bytes. */
static void panels_do_not_depend_on_when_they_are_made(void **unused)
{
    (void)unused;
    enum { ROWS = 7, IN = 1056, OUT = 70, MOST = IN * OUT };
    static const lt_dtype kinds[] = {LT_F32, LT_BF16, LT_I8, LT_Q8, LT_Q4};
    subject all[SUBJECTS];
    const int n = find_subjects(all);
    for (int s = 0; s < n; s++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            lt_error err = {0};
            lt_backend *b = open_with(&all[s]);
            static uint8_t stored[MOST * sizeof(float)];
            static uint16_t scale[2 * MOST / LT_BLOCK];
            static float x[ROWS][IN];
            float out[2][ROWS][OUT];
            lt_weight weight = {.value = lt_view(stored, kinds[k], lt_shape2(OUT, IN)),
                                .role = LT_ROLE_MATRIX,
                                .rounding = LT_ROUND_INT8};
            if (kinds[k] == LT_I8)
                weight.scale = lt_view(scale, LT_F32, lt_shape1(OUT));
            if (lt_is_blocks(&weight))
                weight.scale = lt_view(scale, LT_F16, lt_shape2(OUT, IN / LT_BLOCK));
            for (int i = 0; i < ROWS * IN; i++)
                x[i / IN][i % IN] = (float)draw(-100, 100);
            for (int i = 0; i < MOST; i++)
                lt_store_element(stored, kinds[k], i, draw(-7, 7));
            for (int64_t i = 0; !lt_is_none(&weight.scale) && i < lt_numel(&weight.scale); i++)
                lt_store_element(scale, weight.scale.dtype, i, ldexp(1, draw(-3, 3)));
            check_ok(b->table->prepare(b, &weight, &err), err);
            lt_cpu_weight *packed = weight.packed;
            void *panels = packed->panels;
            assert_non_null(panels);
            for (int later = 0; later < 2; later++) {
                packed->panels = later ? NULL : panels;
                check_ok(b->table->linear(b, lt_view(out[later], LT_F32, lt_shape2(ROWS, OUT)),
                                          lt_view(x, LT_F32, lt_shape2(ROWS, IN)), &weight, NULL,
                                          LT_ACT_NONE, &err),
                         err);
            }
            packed->panels = panels;
            assert_memory_equal(out[0], out[1], sizeof out[0]);
            b->table->unprepare(b, &weight);
            assert_int_equal(b->memory_in_use, 0);
            b->table->close(b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(rounding_is_half_a_step_at_most),
        cmocka_unit_test(blocks_are_rounded_to_the_largest_scale),
        cmocka_unit_test(a_scale_that_is_no_number_stays),
        cmocka_unit_test(rows_that_are_not_finite),
        cmocka_unit_test(rows_do_not_depend_on_what_is_rounded_with_them),
        cmocka_unit_test(panels_do_not_depend_on_when_they_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
