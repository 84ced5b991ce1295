/* test_latent_colours.c - a linear map is found again from its own answers; what says nothing stays
 * quiet; colours are blended between cells. */
#include "pipeline/preview/latent_colours.h"

#include <math.h>

#include "tests/support/check.h"

enum { CELLS = 200, CHANNELS = 4 };

static const double factor[3][CHANNELS + 1] = {
    {20, -10, 0, 0, 128}, {0, 15, 5, 0, 100}, {-8, 0, 12, 0, 90}};

static float noise(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return (float)(*state >> 8) / (float)(1 << 23) - 1.0F;
}

/* Channel 3 says nothing about colour. */
static void draw(float *latents, double *colours)
{
    uint32_t state = 7;
    for (int i = 0; i < CHANNELS * CELLS; i++)
        latents[i] = noise(&state);
    for (int cell = 0; cell < CELLS; cell++)
        for (int c = 0; c < 3; c++) {
            double v = factor[c][CHANNELS];
            for (int i = 0; i < CHANNELS; i++)
                v += factor[c][i] * latents[i * CELLS + cell];
            colours[3 * cell + c] = v;
        }
}

static void finds_the_map_again(void **state)
{
    (void)state;
    static float latents[CHANNELS * CELLS];
    static double colours[3 * CELLS];
    static uint8_t rgb[3 * CELLS];
    latent_colours map;
    lt_error err = {0};
    draw(latents, colours);
    check_ok(latent_colours_fit(latents, colours, CELLS, CHANNELS, &map, &err), err);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i <= CHANNELS; i++) {
            const double found = i < CHANNELS ? map.weight[c][i] : map.bias[c];
            assert_true(found > factor[c][i] - 0.2 && found < factor[c][i] + 0.2);
        }
    latent_colours_apply(&map, latents, CELLS, rgb);
    for (int i = 0; i < 3 * CELLS; i++)
        assert_true(rgb[i] > colours[i] - 2 && rgb[i] < colours[i] + 2);
}

static void a_dead_channel_does_no_harm(void **state)
{
    (void)state;
    static float latents[CHANNELS * CELLS];
    static double colours[3 * CELLS];
    latent_colours map;
    lt_error err = {0};
    draw(latents, colours);
    memset(latents + 3 * CELLS, 0, CELLS * sizeof *latents);
    check_ok(latent_colours_fit(latents, colours, CELLS, CHANNELS, &map, &err), err);
    assert_true(map.weight[0][0] > 19 && map.weight[0][0] < 21);
    assert_true(map.weight[0][3] > -1 && map.weight[0][3] < 1);
}

/* Two cells, 0 and 200: flat to the cells' middles, even steps between them. */
static void paints_from_middle_to_middle(void **state)
{
    (void)state;
    enum { W = 8, H = 2, ROW = 3 * W + 3 };
    const float latent[2] = {0, 200};
    const latent_colours map = {.channels = 1, .weight = {{1}}, .bias = {0, 7, 0}};
    static const uint8_t red[W] = {0, 0, 25, 75, 125, 175, 200, 200};
    uint8_t rgb[H * ROW];
    lt_error err = {0};
    memset(rgb, 9, sizeof rgb);
    const latent_picture out = {.rgb = rgb, .width = W, .height = H, .row_bytes = ROW};
    check_ok(latent_colours_paint(&map, latent, 1, 2, &out, &err), err);
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            assert_int_equal(rgb[y * ROW + 3 * x], red[x]);
            assert_int_equal(rgb[y * ROW + 3 * x + 1], 7);
        }
        assert_int_equal(rgb[y * ROW + 3 * W], 9); /* beyond the picture */
    }
}

static void refuses_what_it_has_no_room_for(void **state)
{
    (void)state;
    latent_colours map;
    lt_error err = {0};
    const float one = 0;
    const double colour[3] = {0, 0, 0};
    check_failed(latent_colours_fit(&one, colour, 1, LATENT_COLOURS_MOST_CHANNELS + 1, &map, &err),
                 err, LT_ERR_USAGE, "65 channels");
    const float bad = NAN;
    err = (lt_error){0};
    check_failed(latent_colours_fit(&bad, colour, 1, 1, &map, &err), err, LT_ERR_INPUT,
                 "not finite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_the_map_again),
                                       cmocka_unit_test(a_dead_channel_does_no_harm),
                                       cmocka_unit_test(paints_from_middle_to_middle),
                                       cmocka_unit_test(refuses_what_it_has_no_room_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
