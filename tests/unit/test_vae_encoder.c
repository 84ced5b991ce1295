/* test_vae_encoder.c - clips of any length, u8 input, the scale of the diffusion model. */
#include "tests/support/check.h"

#include <math.h>

#include "temporal_vae/vae_encoder.h"
#include "weights/golden.h"

/* The config of vae.encode.thirteen. */
static const cfg_vae cfg = {.in_channels = 3,
                            .latent_channels = 8,
                            .base_width = 32,
                            .multiplier_count = 3,
                            .multipliers = {1, 1, 1},
                            .encoder_blocks = 2,
                            .decoder_blocks = 1,
                            .groups = 32,
                            .scale_factor = 1.25};

enum { H = 8, W = 12, PIXELS = 3 * H * W, LATENT = 8 * 2 * 3 };

static lt_backend *backend;
static lt_golden *golden;
static vae_model *model;
static lt_error err;

static int open_model(void **state)
{
    (void)state;
    const char *path = TEST_SOURCE_DIR "/tests/golden/vae.encode.thirteen.safetensors";
    return lt_reference_open(&backend, 0, &err) == LT_OK &&
                   lt_golden_open(path, &golden, &err) == LT_OK &&
                   vae_open(lt_golden_weights(golden), &cfg, backend, VAE_ENCODER, &model, &err) ==
                       LT_OK
               ? 0
               : -1;
}

static int close_model(void **state)
{
    (void)state;
    vae_close(model);
    lt_golden_close(golden);
    backend->table->close(backend);
    return 0;
}

static void rgb8_is_the_scaled_mean(void **state)
{
    (void)state;
    uint8_t rgb[5 * PIXELS];
    float frames[5 * PIXELS];
    for (int i = 0; i < 5 * PIXELS; i++) {
        rgb[i] = (uint8_t)(i * 37 % 256);
        frames[i] = (float)rgb[i] / 255.0f * 2.0f - 1.0f;
    }
    float mean[2 * LATENT];
    float latents[2 * LATENT];
    assert_int_equal(vae_encode(model, frames, 5, H, W, mean, NULL, &err), LT_OK);
    assert_int_equal(vae_encode_rgb8(model, rgb, 5, H, W, latents, &err), LT_OK);
    for (int i = 0; i < 2 * LATENT; i++)
        assert_true(fabsf(latents[i] - 1.25f * mean[i]) <= 1e-5f);
}

static void a_clip_without_pictures_is_refused(void **state)
{
    (void)state;
    float frames[PIXELS] = {0};
    float mean[LATENT];
    const int64_t sizes[][3] = {{0, H, W}, {1, 3, W}, {1, H, 3}, {1, H, VAE_MAX_SIDE + 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        lt_error refused = {0};
        assert_int_equal(
            vae_encode(model, frames, sizes[i][0], sizes[i][1], sizes[i][2], mean, NULL, &refused),
            LT_ERR_USAGE);
    }
}

static void memory_is_given_back_and_variances_are_bounded(void **state)
{
    (void)state;
    float frames[9 * PIXELS] = {0};
    float mean[3 * LATENT];
    float log_variance[3 * LATENT];
    const size_t before = backend->memory_in_use;
    assert_int_equal(vae_encode(model, frames, 9, H, W, mean, log_variance, &err), LT_OK);
    assert_int_equal(backend->memory_in_use, before);
    for (int i = 0; i < 3 * LATENT; i++)
        assert_true(log_variance[i] >= -30.0f && log_variance[i] <= 20.0f);
}

static void frame_by_frame_in_the_same_bytes_and_less_memory(void **state)
{
    (void)state;
    enum { MOST_FRAMES = 14, MOST_LATENTS = 4 };
    static float frames[MOST_FRAMES * PIXELS];
    for (int i = 0; i < MOST_FRAMES * PIXELS; i++)
        frames[i] = (float)(i * 37 % 256) / 255.0f * 2.0f - 1.0f;
    lt_backend *cpu;
    assert_int_equal(lt_cpu_open(&cpu, 2, LT_F32, &err), LT_OK);
    lt_backend *const all[] = {backend, cpu};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (int T = 13; T <= MOST_FRAMES; T++) {
            float mean[2][MOST_LATENTS * LATENT] = {{0}};
            size_t took[2];
            for (int pace = 0; pace < 2; pace++) {
                vae_model *m;
                const unsigned what = VAE_ENCODER | (pace ? (unsigned)VAE_SPARE_MEMORY : 0U);
                assert_int_equal(vae_open(lt_golden_weights(golden), &cfg, all[i], what, &m, &err),
                                 LT_OK);
                const size_t before = all[i]->memory_in_use;
                all[i]->memory_peak = before;
                assert_int_equal(vae_encode(m, frames, T, H, W, mean[pace], NULL, &err), LT_OK);
                took[pace] = all[i]->memory_peak - before;
                vae_close(m);
            }
            assert_memory_equal(mean[1], mean[0], sizeof mean[0]);
            check_within(took[1], 1, took[0] * 9 / 10);
        }
    }
    cpu->table->close(cpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rgb8_is_the_scaled_mean),
        cmocka_unit_test(a_clip_without_pictures_is_refused),
        cmocka_unit_test(memory_is_given_back_and_variances_are_bounded),
        cmocka_unit_test(frame_by_frame_in_the_same_bytes_and_less_memory),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
