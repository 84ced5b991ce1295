/* test_picture_codes.c - pictures of which every cosine is known, codes read back, tables that do
 * not fit, plans with pictures in them. */
#include "tokenizer/picture_codes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "weights/weights.h"

enum {
    ROWS = 2,
    COLUMNS = 3,
    CODES = 3,
    FIRST = 100,
    ENTRIES = 200,
    FIELDS = 6,
    HEIGHT = 8,
    WIDTH = 12
};

static const cfg_tokenizer sizes = {.grid_height = ROWS,
                                    .grid_width = COLUMNS,
                                    .i_tokens = CODES,
                                    .codebook_size = FIRST + ENTRIES,
                                    .picture_codes = FIRST};

/* Mean luminance; chroma, and how luminance changes across; how it changes downwards. */
static const int32_t whole[][FIELDS] = {
    {0, 0, 0, 0, 65, 16}, {1, 1, 0, 0, 9, 32}, {1, 0, 0, 1, 21, 16}, {2, 0, 1, 0, 9, 16}};

static lt_status load_shaped(const int32_t *values, lt_shape shape, tok_picture_table *t,
                             lt_error *err)
{
    char *memory = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&memory, &bytes);
    lt_writer *w;
    check_ok(lt_writer_open("toy", &w, err), *err);
    lt_writer_add(w, "pictures.table", LT_I32, shape, values);
    check_ok(lt_writer_close_to(w, stream, err), *err);
    fclose(stream);
    lt_weights *weights;
    check_ok(lt_weights_open_memory(memory, bytes, "toy", &weights, err), *err);
    const lt_status s = tok_picture_table_load(weights, &sizes, t, err);
    lt_weights_close(weights);
    free(memory);
    return s;
}

static lt_status load(const int32_t *values, int count, tok_picture_table *t, lt_error *err)
{
    return load_shaped(values, lt_shape2(count, FIELDS), t, err);
}

static tok_picture_table good_table(void)
{
    tok_picture_table t;
    lt_error err = {0};
    check_ok(load(whole[0], 4, &t, &err), err);
    return t;
}

/* 4 x 6 cells of luminance, each of 2 x 2 pixels: a plane of one value has that value times the
 * root of 24 as its mean cosine. */
static void a_plain_picture_is_one_cosine(void **state)
{
    (void)state;
    tok_picture_table t = good_table();
    static const struct {
        uint8_t grey;
        int level; /* of -32 .. 32, a quarter each: (2 grey / 255 - 1) root(24) / .25, up to where
                      levels end */
    } cases[] = {{0, -20}, {255, 20}, {127, 0}, {128, 0}, {160, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t frame[HEIGHT * WIDTH * 3];
        int32_t codes[CODES];
        memset(frame, cases[i].grey, sizeof frame);
        tok_picture_codes(&t, frame, HEIGHT, WIDTH, codes);
        assert_int_equal(codes[0], FIRST + 32 + cases[i].level);
        /* neither chroma nor change: the middle of both digits */
        assert_int_equal(codes[1], FIRST + 21 * 4 + 10);
        assert_int_equal(codes[2], FIRST + 4);
    }
    tok_picture_table_clear(&t);
}

static void what_is_read_is_what_was_written(void **state)
{
    (void)state;
    tok_picture_table t = good_table();
    assert_int_equal(tok_picture_values(&t), 6 * ROWS * COLUMNS);
    const int32_t codes[CODES] = {FIRST + 32 + 8, FIRST + 21 * (4 - 3) + 10 + 5, FIRST + 4};
    float colours[6 * ROWS * COLUMNS];
    tok_picture_colours(&t, codes, colours);
    for (int y = 0; y < 2 * ROWS; y++)
        for (int x = 0; x < 2 * COLUMNS; x++) {
            const double pi = 3.14159265358979323846;
            const double want =
                8 * 0.25 / sqrt(24) + 5 * 0.25 * sqrt(2.0 / 24) * cos(pi * (x + 0.5) / 6);
            assert_float_equal(colours[y * 2 * COLUMNS + x], (float)want, 1e-6);
        }
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        /* blue */
        assert_float_equal(colours[4 * ROWS * COLUMNS + i], (float)(-3 * 0.5 / sqrt(6)), 1e-6);
        assert_float_equal(colours[5 * ROWS * COLUMNS + i], 0, 0);
    }
    tok_picture_table_clear(&t);
}

/* One number of a good table is another: a place that there is not, levels of which none is the
 * middle, more values than entries. */
static void tables_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        int row;
        int field;
        int32_t value;
    } cases[] = {{0, 0, -1}, {0, 0, 1}, {3, 0, 3}, {1, 1, 3},   {1, 1, -1}, {2, 2, 4}, {2, 3, 6},
                 {1, 3, 3},  {3, 4, 4}, {3, 4, 1}, {0, 4, 201}, {1, 4, 11}, {2, 5, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t values[4][FIELDS];
        tok_picture_table t;
        lt_error err = {0};
        memcpy(values, whole, sizeof values);
        values[cases[i].row][cases[i].field] = cases[i].value;
        check_failed(
            load(values[0], 4, &t, &err), err, LT_ERR_INPUT,
            "'pictures.table' does not fit frames of 3 codes, 200 entries and a grid of 3 x 2");
    }
}

static void a_model_without_a_table(void **state)
{
    (void)state;
    tok_picture_table t;
    lt_error err = {0};
    check_failed(load_shaped(whole[0], lt_shape1(FIELDS), &t, &err), err, LT_ERR_INPUT,
                 "toy: 'pictures.table' is i32 [6], expected i32 [1 to 65536, 6]");
}

static void pictures_of_a_plan_are_counted(void **state)
{
    (void)state;
    const tok_layout layout = tok_layout_of(&(cfg_tokenizer){
        .temporal_size = 1, .i_tokens = CODES, .p_tokens = 1, .codebook_size = FIRST + ENTRIES});
    const int32_t codes[4 * CODES] = {FIRST, FIRST, FIRST, FIRST, FIRST - 1, FIRST,
                                      0,     1,     2,     299,   298,       297};
    lt_error err = {0};
    tok_plan plan = {0};
    check_ok(tok_plan_make(&layout, codes, 4 * CODES, 8, 0, "toy", &plan, &err), err);
    assert_int_equal(tok_plan_pictures(&plan, FIRST), 2);
    assert_int_equal(tok_plan_pictures(&plan, 0), 0);
    assert_true(tok_shows_picture(FIRST, codes, CODES));
    assert_false(tok_shows_picture(FIRST, codes + CODES, CODES));
    assert_false(tok_shows_picture(0, codes, CODES));
    tok_plan_clear(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_picture_is_one_cosine),
        cmocka_unit_test(what_is_read_is_what_was_written),
        cmocka_unit_test(tables_that_do_not_fit),
        cmocka_unit_test(a_model_without_a_table),
        cmocka_unit_test(pictures_of_a_plan_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
