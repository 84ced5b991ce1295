/* test_cpu_attention.c - attention where a query or a key has a NaN: no query that it reaches comes
 * out finite, and the others have the bytes that they had. Every level that the processor runs, in
 * f32 and in bf16. Right values, shapes and layouts are in the parity table. */
#include <math.h>
#include <string.h>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/cpu_processor.h"
#include "tests/support/check.h"

enum { MOST_ROWS = 33, KEYS = 300, HEADS = 2, D = 40, CHANNELS = HEADS * D };

/* [rows or keys, HEADS, D] in f32; a backend gets them in its own type. */
static float q[MOST_ROWS * CHANNELS];
static float k[KEYS * CHANNELS];
static float v[KEYS * CHANNELS];

static void fill(float *x, int count, double step)
{
    for (int i = 0; i < count; i++)
        x[i] = lt_bf16_to_f32(lt_f32_to_bf16((float)sin(step * i)));
}

static lt_tensor given(void *room, const float *x, lt_dtype type, int rows)
{
    for (int i = 0; i < rows * CHANNELS; i++)
        lt_store_element(room, type, i, (double)x[i]);
    if (type == LT_F32)
        memcpy(room, x, (size_t)(rows * CHANNELS) * sizeof *x); /* with every bit of a NaN */
    return lt_view(room, type, lt_shape4(1, rows, HEADS, D));
}

/* The last rows of all that there are: row i of n sees KEYS - n + i + 1 keys. */
static void attend(lt_backend *b, lt_dtype type, int rows, float *out)
{
    static double room[4][(KEYS + MOST_ROWS) * CHANNELS];
    int32_t visible[MOST_ROWS];
    lt_error err = {0};
    for (int i = 0; i < rows; i++)
        visible[i] = KEYS - rows + i + 1;
    const lt_attention_args args = {
        .scale = 0.15f, .visible = lt_view(visible, LT_I32, lt_shape1(rows)), .bias = lt_none()};
    const lt_tensor to = lt_view(room[0], type, lt_shape4(1, rows, HEADS, D));
    check_ok(b->table->attention(b, to, given(room[1], q, type, rows),
                                 given(room[2], k, type, KEYS), given(room[3], v, type, KEYS),
                                 &args, &err),
             err);
    for (int i = 0; i < rows * CHANNELS; i++)
        out[i] = (float)lt_load_element(to.data, type, i);
}

/* Makes one element a NaN for a call; `clean` is what comes out without. `key` is the key that has
 * it, or -1 - the query. */
static void check_one(lt_backend *b, const char *name, lt_dtype type, int rows, const float *clean,
                      float *element, int key, uint32_t bits)
{
    static float out[MOST_ROWS * CHANNELS];
    const float kept = *element;
    memcpy(element, &bits, sizeof bits);
    attend(b, type, rows, out);
    *element = kept;
    for (int i = 0; i < rows * CHANNELS; i++) {
        const int row = i / CHANNELS;
        const bool head = i % CHANNELS >= D; /* all that is changed is of the second */
        const bool reached = head && (key < 0 ? row == -1 - key : key < KEYS - rows + row + 1);
        if (reached ? isfinite(out[i]) : memcmp(&out[i], &clean[i], sizeof out[i]) != 0)
            fail_msg("%s, %s, %d rows, NaN %08x of %s %d: element %d of row %d is %g", name,
                     lt_dtype_name(type), rows, (unsigned)bits, key < 0 ? "query" : "key",
                     key < 0 ? -1 - key : key, i % CHANNELS, row, (double)out[i]);
    }
}

static void check_backend(lt_backend *b, const char *name, lt_dtype type)
{
    /* first and last of a vector and of a tile, and one that only the last rows see */
    static const int keys[] = {0, 7, 8, 100, 255, 256, KEYS - 5, KEYS - 1};
    static const uint32_t nans[] = {0x7fc00000, 0xffffffff};
    static const int some_rows[] = {1, MOST_ROWS};
    static float clean[MOST_ROWS * CHANNELS];
    for (int n = 0; n < 2; n++) {
        const int rows = some_rows[n];
        attend(b, type, rows, clean);
        for (int i = 0; i < 2; i++) {
            for (size_t j = 0; j < sizeof keys / sizeof *keys; j++)
                check_one(b, name, type, rows, clean, &k[keys[j] * CHANNELS + D + 5], keys[j],
                          nans[i]);
            check_one(b, name, type, rows, clean, &q[(rows - 1) * CHANNELS + D + 39], -rows,
                      nans[i]);
        }
    }
}

static void a_nan_is_not_lost(void **state)
{
    (void)state;
    static const lt_dtype types[] = {LT_F32, LT_BF16};
    fill(q, MOST_ROWS * CHANNELS, 0.7);
    fill(k, KEYS * CHANNELS, 1.3);
    fill(v, KEYS * CHANNELS, 0.37);
    for (int t = 0; t < 2; t++)
        for (const lt_cpu_level *level = lt_cpu_levels; level->name != NULL; level++) {
            lt_error err = {0};
            lt_backend *b = NULL;
            if (!lt_processor_runs(level))
                continue;
            check_ok(lt_cpu_open(&b, 1, types[t], &err), err);
            lt_cpu_use(lt_cpu_of(b), level);
            check_backend(b, level->name, types[t]);
            b->table->close(b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_nan_is_not_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
