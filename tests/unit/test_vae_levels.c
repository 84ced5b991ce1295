/* test_vae_levels.c - frame counts, factors and kept frames against the tables of the release. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "temporal_vae/vae_levels.h"

static const cfg_vae release = {.in_channels = 3,
                                .latent_channels = 16,
                                .base_width = 128,
                                .multiplier_count = 4,
                                .multipliers = {1, 2, 2, 4},
                                .encoder_blocks = 3,
                                .decoder_blocks = 4,
                                .groups = 32,
                                .scale_factor = 1.15258426};

static cfg_vae with_levels(int n)
{
    cfg_vae cfg = release;
    cfg.multiplier_count = n;
    return cfg;
}

static void frames_become_latents(void **state)
{
    (void)state;
    const int64_t frames[] = {1, 2, 3, 4, 5, 8, 9, 12, 13, 16, 17, 49};
    const int64_t latents[] = {1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 13};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        assert_int_equal(vae_latent_count(&release, frames[i]), latents[i]);
    assert_int_equal(vae_frame_count(&release, 1), 1);
    assert_int_equal(vae_frame_count(&release, 13), 49);
    assert_int_equal(vae_frame_count(&release, 61), 241);
}

static void a_first_frame_stands_alone(void **state)
{
    (void)state;
    const int64_t doubled[] = {1, 4, 5, 8, 9};
    const int64_t halved[] = {1, 1, 2, 2, 3};
    for (int T = 1; T <= 5; T++) {
        assert_int_equal(vae_double_time(T), doubled[T - 1]);
        assert_int_equal(vae_half_time(T), halved[T - 1]);
    }
}

static void factors_follow_the_number_of_levels(void **state)
{
    (void)state;
    const int space[] = {1, 2, 4, 8, 16};
    const int time[] = {1, 2, 4, 4, 4};
    for (int n = 1; n <= 5; n++) {
        const cfg_vae cfg = with_levels(n);
        assert_int_equal(vae_space_factor(&cfg), space[n - 1]);
        assert_int_equal(vae_time_factor(&cfg), time[n - 1]);
    }
}

static void time_changes_where_the_release_changes_it(void **state)
{
    (void)state;
    const bool halves[] = {true, true, false, false};
    const bool doubles[] = {false, false, true, true};
    for (int level = 0; level < 4; level++) {
        assert_int_equal(vae_encoder_halves_time(&release, level), halves[level]);
        assert_int_equal(vae_decoder_doubles_time(&release, level), doubles[level]);
        assert_int_equal(vae_encoder_halves_space(&release, level), level < 3);
        assert_int_equal(vae_decoder_doubles_space(&release, level), level > 0);
    }
    const cfg_vae two = with_levels(2);
    assert_true(vae_encoder_halves_time(&two, 0));
    assert_false(vae_encoder_halves_time(&two, 1));
    assert_true(vae_decoder_doubles_time(&two, 1));
    assert_false(vae_decoder_doubles_time(&two, 0));
}

static void the_release_keeps_38_layers(void **state)
{
    (void)state;
    assert_int_equal(vae_history_layers(&release), 38);
    int64_t elements = 0;
    int64_t channels_at_480 = 0;
    for (int layer = 0; layer < 38; layer++) {
        const lt_shape s = vae_history_shape(&release, layer, 60, 90);
        assert_int_equal(s.dim[0], 2);
        assert_int_equal(s.dim[1] * 3, s.dim[2] * 2);
        elements += s.dim[0] * s.dim[1] * s.dim[2] * s.dim[3];
        channels_at_480 += s.dim[1] == 480 ? s.dim[3] : 0;
    }
    assert_int_equal(elements, 1404691200);
    assert_int_equal(channels_at_480, 1280);
}

static void the_largest_activation_is_found(void **state)
{
    (void)state;
    /* 256 x 9 x 480 x 720 */
    assert_int_equal(vae_decoder_elements(&release, 3, 60, 90), 796262400);
    assert_int_equal(vae_encoder_elements(&release, 49, 480, 720), 128LL * 49 * 480 * 720);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_become_latents),
        cmocka_unit_test(a_first_frame_stands_alone),
        cmocka_unit_test(factors_follow_the_number_of_levels),
        cmocka_unit_test(time_changes_where_the_release_changes_it),
        cmocka_unit_test(the_release_keeps_38_layers),
        cmocka_unit_test(the_largest_activation_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
