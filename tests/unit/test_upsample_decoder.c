/* test_upsample_decoder.c - the order of the pixel shuffle. */
#include "mmdit/upsample_decoder.h"
#include "tests/support/check.h"

enum { T = 2, H = 2, W = 3, C = 2 };

typedef struct {
    float in[T][H][W][4 * C];
    float out[T][2 * H][2 * W][C];
} shuffle_run;

static lt_status shuffle_pass(lt_ops *o, void *user)
{
    shuffle_run *r = user;
    const lt_tensor x = lt_from_host(o, r->in, LT_F32, lt_shape4(T, H, W, 4 * C));
    lt_download(o, r->out, dit_pixel_shuffle(o, x));
    return lt_ops_status(o);
}

static void each_input_channel_has_its_pixel(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_backend *backend;
    lt_ops o;
    static shuffle_run r;
    for (int i = 0; i < T * H * W * 4 * C; i++)
        (&r.in[0][0][0][0])[i] = (float)i;
    check_ok(lt_reference_open(&backend, 1, &err), err);
    lt_ops_open(&o, backend);
    check_ok(lt_ops_run(&o, shuffle_pass, &r, &err), err);
    for (int t = 0; t < T; t++)
        for (int y = 0; y < 2 * H; y++)
            for (int x = 0; x < 2 * W; x++)
                for (int c = 0; c < C; c++)
                    assert_true(r.out[t][y][x][c] ==
                                r.in[t][y / 2][x / 2][4 * c + 2 * (y % 2) + x % 2]);
    lt_ops_close(&o);
    backend->table->close(backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_input_channel_has_its_pixel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
