/* test_frame_layout.c - rows and tokens of frames, what rows may see, and the rotary table against
 * the release's numbers. */
#include <math.h>

#include "tests/support/check.h"
#include "tokenizer/frame_layout.h"

static const cfg_tokenizer released = {.temporal_size = 13,
                                       .grid_height = 30,
                                       .grid_width = 45,
                                       .i_tokens = 330,
                                       .p_tokens = 74,
                                       .rope_dims = {16, 24, 24},
                                       .rope_base = 10000};

static void counts(void **state)
{
    (void)state;
    assert_int_equal(tok_tokens_before(&released, 0), 0);
    assert_int_equal(tok_tokens_before(&released, 1), 330);
    assert_int_equal(tok_tokens_before(&released, 2), 404);
    assert_int_equal(tok_tokens_before(&released, 13), 1218);
    assert_int_equal(tok_rows_before(&released, 13), 18768);
    assert_int_equal(tok_frame_rows(&released, 0), 1680);
    assert_int_equal(tok_frame_rows(&released, 5), 1424);
}

/* Keys that rows may see in the release: with rows frame by frame a visual row of the encoder sees
 * the visual rows up to its frame, a latent every row up to itself, and any row of the decoder all
 * rows up to its frame. */
static void visible_keys(void **state)
{
    (void)state;
    static const struct {
        int frame, latent; /* latent of the frame */
        int64_t encoder;
    } latents[] = {{0, 0, 1351}, {0, 1, 1352},  {0, 329, 1680}, {1, 0, 3031},
                   {1, 1, 3032}, {1, 73, 3104}, {2, 0, 4455},   {12, 73, 18768}};
    for (size_t i = 0; i < sizeof latents / sizeof latents[0]; i++)
        assert_int_equal(tok_rows_before(&released, latents[i].frame) +
                             tok_frame_patches(&released) + latents[i].latent + 1,
                         latents[i].encoder);
    static const int64_t decoder[] = {1680, 3104, 4528};
    for (int f = 0; f < 3; f++)
        assert_int_equal(tok_rows_before(&released, f + 1), decoder[f]);

    int64_t encoder_pairs = 0;
    int64_t decoder_pairs = 0;
    for (int f = 0; f < 13; f++) {
        const int64_t patches = tok_frame_patches(&released);
        encoder_pairs += patches * (f + 1) * patches;
        for (int64_t j = 0; j < tok_frame_tokens(&released, f); j++)
            encoder_pairs += tok_rows_before(&released, f) + patches + j + 1;
        decoder_pairs += tok_frame_rows(&released, f) * tok_rows_before(&released, f + 1);
    }
    assert_int_equal(encoder_pairs, 176026371);
    assert_int_equal(decoder_pairs, 189696768);
}

static void rope_anchors(void **state)
{
    (void)state;
    static const struct {
        int place[3];
        int pair;
        double cosine, sine;
    } known[] = {
        {{3, 7, 40}, 0, -0.9899925, 0.1411200},
        {{3, 7, 40}, 1, 0.5827537, 0.8126489},
        {{3, 7, 40}, 7, 0.9999995, 0.0009487},
        {{3, 7, 40}, 8, 0.7539023, 0.6569866},
        {{3, 7, 40}, 9, -0.9942253, -0.1073124},
        {{3, 7, 40}, 19, 0.9999989, 0.0015081},
        {{3, 7, 40}, 20, -0.6669381, 0.7451131},
        {{3, 7, 40}, 21, 0.9601664, -0.2794289},
        {{3, 7, 40}, 31, 0.9999629, 0.0086176},
        {{12, 29, 44}, 9, 0.6261140, 0.7797315},
        {{12, 29, 44}, 21, -0.0026385, 0.9999965},
        {{1217, 1217, 1217}, 0, -0.3589599, -0.9333530},
        {{1217, 1217, 1217}, 1, -0.0040821, 0.9999917},
        {{1217, 1217, 1217}, 7, 0.9268550, 0.3754194},
        {{1217, 1217, 1217}, 9, 0.8223144, -0.5690334},
        {{1217, 1217, 1217}, 31, 0.9658235, 0.2592008},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        float cosine[32];
        float sine[32];
        tok_rope_row(&released, known[i].place, cosine, sine);
        assert_true(fabs((double)cosine[known[i].pair] - known[i].cosine) < 1e-6);
        assert_true(fabs((double)sine[known[i].pair] - known[i].sine) < 1e-6);
    }
}

/* Visual rows stand at (frame, row, column), latents at (j, j, j) with j
 * counted through the segment. */
static void places_of_rows(void **state)
{
    (void)state;
    const cfg_tokenizer small = {.temporal_size = 2,
                                 .grid_height = 1,
                                 .grid_width = 2,
                                 .i_tokens = 2,
                                 .p_tokens = 1,
                                 .rope_dims = {2, 2, 2},
                                 .rope_base = 10000};
    static const int places[7][3] = {{0, 0, 0}, {0, 0, 1}, {0, 0, 0}, {1, 1, 1},
                                     {1, 0, 0}, {1, 0, 1}, {2, 2, 2}};
    float cosine[7 * 3];
    float sine[7 * 3];
    tok_rope_table(&small, 2, cosine, sine);
    for (int row = 0; row < 7; row++) {
        float c[3];
        float s[3];
        tok_rope_row(&small, places[row], c, s);
        assert_memory_equal(cosine + row * 3, c, sizeof c);
        assert_memory_equal(sine + row * 3, s, sizeof s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(visible_keys),
        cmocka_unit_test(rope_anchors),
        cmocka_unit_test(places_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
