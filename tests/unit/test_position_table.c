/* test_position_table.c - the released table at one place, and which part
 * belongs to which coordinate. */
#include <math.h>
#include <stdlib.h>

#include "mmdit/position_table.h"
#include "tests/support/check.h"

typedef struct {
    const dit_position *position;
    lt_shape shape;
    float *out;
} add_run;

static lt_status add_pass(lt_ops *o, void *user)
{
    const add_run *r = user;
    const lt_tensor tokens = lt_new(o, LT_F32, r->shape);
    lt_fill_into(o, tokens, 0.0f);
    dit_position_add_into(o, r->position, tokens, tokens);
    lt_download(o, r->out, tokens);
    return lt_ops_status(o);
}

/* The rows of `frames` frames of zeros plus positions; free() them. */
static float *rows_of(const cfg_mmdit *cfg, int frames)
{
    lt_error err = {0};
    lt_backend *backend;
    dit_position position;
    lt_ops o;
    check_ok(lt_reference_open(&backend, 1, &err), err);
    check_ok(dit_position_open(backend, cfg, &position, &err), err);
    lt_ops_open(&o, backend);
    add_run r = {.position = &position,
                 .shape = lt_shape4(frames, cfg->latent_height / cfg->patch,
                                    cfg->latent_width / cfg->patch, cfg->width)};
    r.out = malloc((size_t)(r.shape.dim[0] * r.shape.dim[1] * r.shape.dim[2] * r.shape.dim[3]) *
                   sizeof(float));
    assert_non_null(r.out);
    check_ok(lt_ops_run(&o, add_pass, &r, &err), err);
    lt_ops_close(&o);
    dit_position_close(backend, &position);
    backend->table->close(backend);
    return r.out;
}

/* Frame 5, row 7, column 11 of the released grid; the width of the grid
 * is cut to keep the test quick. */
static void the_released_row(void **state)
{
    (void)state;
    static const struct {
        int column;
        double want;
    } rows[] = {{0, -0.958924294},     {1, -0.995067418},    {239, 0.000519561116},
                {240, 0.2836622},      {479, 0.999999881},   {480, -0.404579073},
                {839, 0.000601869717}, {840, 0.914503038},   {1200, -0.557806611},
                {1559, 0.00038300801}, {1560, -0.829970956}, {1919, 0.99999994}};
    const cfg_mmdit cfg = {.width = 1920,
                           .patch = 2,
                           .latent_frames = 13,
                           .latent_height = 16,
                           .latent_width = 24,
                           .position_scale = 1.875};
    float *table = rows_of(&cfg, 6);
    const float *row = table + ((5 * 8 + 7) * 12 + 11) * 1920;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!(fabs(row[rows[i].column] - rows[i].want) <= 1e-7))
            fail_msg("column %d: got %.9g, want %.9g", rows[i].column, (double)row[rows[i].column],
                     rows[i].want);
    free(table);
}

/* d = 16: 4 of the frame, 6 of the column, 6 of the row; sines before cosines. */
static void the_column_comes_before_the_row(void **state)
{
    (void)state;
    const cfg_mmdit cfg = {.width = 16,
                           .patch = 1,
                           .latent_frames = 3,
                           .latent_height = 2,
                           .latent_width = 4,
                           .position_scale = 1.0};
    float *table = rows_of(&cfg, 2);
    const float *row = table + ((1 * 2 + 0) * 4 + 3) * 16; /* frame 1, row 0, column 3 */
    assert_true(row[0] == (float)sin(1) && row[2] == (float)cos(1));
    assert_true(row[4] == (float)sin(3) && row[7] == (float)cos(3));
    assert_true(row[10] == 0.0f && row[13] == 1.0f);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_released_row),
        cmocka_unit_test(the_column_comes_before_the_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
