/* test_dit_bench.c - timing runs at any size and counts what the layers do. */
#include "mmdit/dit_bench.h"
#include "tests/support/check.h"

static void one_layer_without_control(void **state)
{
    (void)state;
    const cfg_mmdit cfg = {.width = 64,
                           .layers = 1,
                           .control_layers = 0,
                           .heads = 1,
                           .mlp_width = 128,
                           .time_width = 8,
                           .text_length = 4,
                           .text_width = 8,
                           .latent_channels = 4,
                           .patch = 2,
                           .latent_frames = 2,
                           .latent_height = 4,
                           .latent_width = 4,
                           .position_scale = 1.0,
                           .steps = 1};
    lt_error err = {0};
    lt_backend *backend;
    dit_timing t;
    check_ok(lt_reference_open(&backend, 1, &err), err);
    check_ok(dit_bench(&cfg, LT_ROUND_NONE, backend, 2, &t, &err), err);
    assert_int_equal(t.rows, 12);
    assert_true(t.flop == 12.0 * (2 * 64 * (4 * 64 + 2 * 128) + 4 * 12 * 64));
    assert_true(t.seconds > 0);
    backend->table->close(backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_layer_without_control)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
