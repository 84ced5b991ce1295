/* test_colour_map_file.c - a preview map comes back as it was written; that of another VAE is left
 * alone; the rest is refused. */
#include "pipeline/preview/colour_map_file.h"

#include <math.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "weights/weights.h"

enum { CHANNELS = 5 };

static const lt_hash vae = {1, 2};
static const lt_hash other_vae = {1, 3};

static latent_colours a_map(void)
{
    latent_colours map = {.channels = CHANNELS, .bias = {128, 100, 90}};
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < CHANNELS; i++)
            map.weight[c][i] = (float)(10 * c - i);
    return map;
}

static void comes_back_as_it_was(void **state)
{
    (void)state;
    const latent_colours map = a_map();
    latent_colours found;
    bool fits = false;
    lt_error err = {0};
    const char *path = scratch_path("preview.safetensors");
    check_ok(colour_map_file_write(path, &map, vae, &err), err);
    check_ok(colour_map_file_read(path, CHANNELS, vae, &found, &fits, &err), err);
    assert_true(fits);
    assert_memory_equal(&found, &map, sizeof map);
}

static void that_of_another_vae_does_not_fit(void **state)
{
    (void)state;
    const latent_colours map = a_map();
    latent_colours found;
    bool fits = true;
    lt_error err = {0};
    const char *path = scratch_path("preview.safetensors");
    check_ok(colour_map_file_write(path, &map, other_vae, &err), err);
    check_ok(colour_map_file_read(path, CHANNELS, vae, &found, &fits, &err), err);
    assert_false(fits);
}

/* Writes a file with one thing wrong and reads it. */
static void refuse(const char *format, lt_shape weight, lt_dtype dtype, float bias,
                   const char *part)
{
    static const float zeros[3 * 64];
    const float biases[3] = {0, bias, 0};
    char hash[LT_HASH_TEXT_BYTES];
    latent_colours found;
    bool fits = false;
    lt_error err = {0};
    lt_writer *w = NULL;
    const char *path = scratch_path("preview.safetensors");
    lt_hash_text(vae, hash);
    check_ok(lt_writer_open(path, &w, &err), err);
    lt_writer_metadata(w, "format", format);
    lt_writer_metadata(w, "vae", hash);
    lt_writer_add(w, "weight", dtype, weight, zeros);
    if (!isinf(bias))
        lt_writer_add(w, "bias", LT_F32, lt_shape1(3), biases);
    check_ok(lt_writer_close(w, &err), err);
    check_failed(colour_map_file_read(path, CHANNELS, vae, &found, &fits, &err), err, LT_ERR_INPUT,
                 part);
    assert_non_null(strstr(err.message, "preview.safetensors: "));
}

static void refuses_what_is_no_map(void **state)
{
    (void)state;
    const lt_shape right = lt_shape2(3, CHANNELS);
    refuse("longtake-tokens-1", right, LT_F32, 0, "found no longtake-preview-1");
    refuse(COLOUR_MAP_FORMAT, lt_shape2(3, 4), LT_F32, 0,
           "tensor 'weight' is f32 [3, 4], expected f32 [3, 5]");
    refuse(COLOUR_MAP_FORMAT, right, LT_F16, 0,
           "tensor 'weight' is f16 [3, 5], expected f32 [3, 5]");
    refuse(COLOUR_MAP_FORMAT, right, LT_F32, NAN, "tensor 'bias': value 1 is not finite");
    refuse(COLOUR_MAP_FORMAT, right, LT_F32, INFINITY, "tensor 'bias' is missing");
}

#define in_scratch(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {in_scratch(comes_back_as_it_was),
                                       in_scratch(that_of_another_vae_does_not_fit),
                                       in_scratch(refuses_what_is_no_map)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
