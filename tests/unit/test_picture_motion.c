/* test_picture_motion.c - what moves is a map of what has changed, cell by cell; maps that do not
 * fit are refused. */
#include "tokenizer/picture_motion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/check.h"

enum { CHANNELS = 3, CELLS = 4 };

static const float map[CHANNELS * CHANNELS] = {-0.5f, 0, 0, 0.25f, -1, 0, 0, 0, 2};

static lt_status load_shaped(const char *name, lt_shape shape, const float *values,
                             tok_picture_motion *out, lt_error *err)
{
    char *memory = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&memory, &bytes);
    lt_writer *w;
    check_ok(lt_writer_open("toy", &w, err), *err);
    lt_writer_add(w, name, LT_F32, shape, values);
    check_ok(lt_writer_close_to(w, stream, err), *err);
    fclose(stream);
    lt_weights *weights;
    check_ok(lt_weights_open_memory(memory, bytes, "toy", &weights, err), *err);
    const lt_status s = tok_picture_motion_load(weights, CHANNELS, out, err);
    lt_weights_close(weights);
    free(memory);
    return s;
}

static void a_latent_leads_from_the_picture_before(void **state)
{
    (void)state;
    static const float before[CHANNELS][CELLS] = {{1, 0, 4, 4}, {2, 0, 0, 4}, {3, 0, 0, 4}};
    float latent[CHANNELS][CELLS] = {{1, 0, 8, 0}, {2, 0, 0, 0}, {3, 1, 0, 0}};
    static const float want[CHANNELS][CELLS] = {{1, 0, 6, 2}, {2, 0, 1, 3}, {3, 3, 0, -8}};
    lt_error err = {0};
    tok_picture_motion m;
    check_ok(load_shaped("pictures.motion", lt_shape2(CHANNELS, CHANNELS), map, &m, &err), err);
    tok_picture_move(&m, before[0], CELLS, latent[0]);
    tok_picture_motion_clear(&m);
    for (int c = 0; c < CHANNELS; c++)
        for (int i = 0; i < CELLS; i++)
            assert_float_equal(latent[c][i], want[c][i], 0); /* sums of halves: exact */
}

static void maps_that_do_not_fit(void **state)
{
    (void)state;
    static const float no_number[CHANNELS * CHANNELS] = {1, NAN};
    const lt_shape square = lt_shape2(CHANNELS, CHANNELS);
    const struct {
        const char *name;
        lt_shape shape;
        const float *values;
        const char *message;
    } cases[] = {
        {"pictures.other", square, map,
         "toy: found no tensor 'pictures.motion', expected [3, 3] beside "
         "'tokenizer.picture_codes'"},
        {"pictures.motion", lt_shape1(CHANNELS * CHANNELS), map,
         "toy: 'pictures.motion' is [9], expected [3, 3]"},
        {"pictures.motion", square, no_number,
         "toy: 'pictures.motion' has a value that is no number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tok_picture_motion m;
        lt_error err = {0};
        check_failed(load_shaped(cases[i].name, cases[i].shape, cases[i].values, &m, &err), err,
                     LT_ERR_INPUT, cases[i].message);
        tok_picture_motion_clear(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_latent_leads_from_the_picture_before),
        cmocka_unit_test(maps_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
