/* test_vae_decoder.c - one stream in the same bytes, however it is cut, saved and restored. */
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

#include "temporal_vae/vae_decoder.h"
#include "weights/golden.h"

/* Three levels (factors 4 and 4), 16 latent channels, random weights. */
static const cfg_vae cfg = {.in_channels = 3,
                            .latent_channels = 16,
                            .base_width = 32,
                            .multiplier_count = 3,
                            .multipliers = {1, 2, 1},
                            .encoder_blocks = 1,
                            .decoder_blocks = 1,
                            .groups = 32,
                            .scale_factor = 1.15258426};

enum {
    H = 2,
    W = 3,
    CELLS = 16 * H * W,
    MOST_LATENTS = 7,
    MOST_FRAMES = 25,
    FRAME = 3 * 4 * H * 4 * W
};

static lt_backend *backend;
static lt_golden *golden;
static vae_model *model;
static lt_error err;
static float latents[MOST_LATENTS * CELLS];
static uint8_t wanted[MOST_FRAMES * FRAME]; /* seven latents in one call */

static vae_decoder *fresh(void)
{
    vae_decoder *d;
    assert_int_equal(vae_decoder_open(model, H, W, &d, &err), LT_OK);
    return d;
}

static int open_model(void **state)
{
    (void)state;
    const char *path = TEST_SOURCE_DIR "/tests/golden/vae.decode.five.safetensors";
    if (lt_reference_open(&backend, 0, &err) != LT_OK ||
        lt_golden_open(path, &golden, &err) != LT_OK ||
        vae_open(lt_golden_weights(golden), &cfg, backend, VAE_DECODER, &model, &err) != LT_OK)
        return -1;
    const lt_draw draw = {.seed = 7, .stage = LT_DRAW_REFINE};
    lt_normals(draw, 0, MOST_LATENTS * CELLS, latents);
    vae_decoder *d = fresh();
    const lt_status s = vae_decode(d, latents, MOST_LATENTS, wanted, NULL, &err);
    vae_decoder_close(d);
    return s == LT_OK ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    vae_close(model);
    lt_golden_close(golden);
    backend->table->close(backend);
    return 0;
}

static void pieces_give_the_same_bytes(void **state)
{
    (void)state;
    const int cuts[][4] = {{3, 2, 2}, {5, 2}, {3, 4}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        static uint8_t got[sizeof wanted];
        vae_decoder *d = fresh();
        int64_t latent_at = 0;
        int64_t frame_at = 0;
        for (int k = 0; cuts[i][k] > 0; k++) {
            const int n = cuts[i][k];
            const int64_t frames = vae_decoder_frames(d, n);
            assert_int_equal(
                vae_decode(d, latents + latent_at * CELLS, n, got + frame_at * FRAME, NULL, &err),
                LT_OK);
            latent_at += n;
            frame_at += frames;
        }
        assert_int_equal(frame_at, MOST_FRAMES);
        assert_memory_equal(got, wanted, sizeof wanted);
        vae_decoder_close(d);
    }
}

/* The first latents of a stream, and those after its first three, alone: as many as give what all
 * together give, and no more than needed. */
static void whole_calls_give_the_same_bytes(void **state)
{
    (void)state;
    /* by latents asked for, after 0 and 3 */
    static const int whole[][8] = {{0, 3, 3, 3, 5, 5, 7, 7}, {0, 2, 2, 4, 4}};
    static uint8_t got[sizeof wanted];
    for (int done = 0; done <= 3; done += 3)
        for (int n = 1; n <= 7 - done; n++) {
            const int64_t taken = vae_decoder_whole_calls(done, n);
            assert_int_equal(taken, whole[done / 3][n]);
            vae_decoder *d = fresh();
            memset(got, 0, sizeof got);
            if (done > 0)
                assert_int_equal(vae_decode(d, latents, done, got, NULL, &err), LT_OK);
            const int64_t before = done > 0 ? 4 * done - 3 : 0;
            assert_int_equal(
                vae_decode(d, latents + done * CELLS, taken, got + before * FRAME, NULL, &err),
                LT_OK);
            assert_memory_equal(got, wanted, (size_t)(4 * (done + n) - 3) * FRAME);
            vae_decoder_close(d);
        }
}

static void a_restored_stream_goes_on_in_the_same_bytes(void **state)
{
    (void)state;
    static uint8_t got[sizeof wanted];
    vae_decoder *first = fresh();
    assert_int_equal(vae_decode(first, latents, 5, got, NULL, &err), LT_OK);
    const size_t bytes = vae_decoder_state_bytes(first);
    void *saved = malloc(bytes);
    assert_non_null(saved);
    assert_int_equal(vae_decoder_save(first, saved, &err), LT_OK);
    vae_decoder_close(first);

    vae_decoder *second = fresh();
    assert_int_equal(vae_decoder_load(second, saved, bytes, &err), LT_OK);
    assert_int_equal(vae_decode(second, latents + 5 * CELLS, 2, got + 17 * FRAME, NULL, &err),
                     LT_OK);
    assert_memory_equal(got, wanted, sizeof wanted);
    vae_decoder_close(second);
    free(saved);
}

static void a_damaged_or_foreign_state_is_refused(void **state)
{
    (void)state;
    vae_decoder *d = fresh();
    assert_int_equal(vae_decode(d, latents, 3, NULL, NULL, &err), LT_OK);
    const size_t bytes = vae_decoder_state_bytes(d);
    unsigned char *saved = malloc(bytes);
    assert_non_null(saved);
    assert_int_equal(vae_decoder_save(d, saved, &err), LT_OK);

    lt_error refused = {0};
    assert_int_equal(vae_decoder_load(d, saved, bytes - 1, &refused), LT_ERR_INPUT);
    saved[bytes / 2] ^= 1;
    refused = (lt_error){0};
    assert_int_equal(vae_decoder_load(d, saved, bytes, &refused), LT_ERR_INPUT);
    assert_non_null(strstr(refused.message, "checksum"));
    saved[bytes / 2] ^= 1;
    saved[0] ^= 1;
    refused = (lt_error){0};
    assert_int_equal(vae_decoder_load(d, saved, bytes, &refused), LT_ERR_INPUT);
    saved[0] ^= 1;

    vae_decoder *turned;
    assert_int_equal(vae_decoder_open(model, W, H, &turned, &err), LT_OK);
    refused = (lt_error){0};
    assert_int_equal(vae_decoder_load(turned, saved, bytes, &refused), LT_ERR_INPUT);
    assert_int_equal(vae_decoder_frames(turned, 1), 1); /* as fresh as before */
    vae_decoder_close(turned);
    vae_decoder_close(d);
    free(saved);
}

static void a_stream_begins_odd_and_goes_on_even(void **state)
{
    (void)state;
    vae_decoder *d = fresh();
    uint8_t frame[FRAME * 9];
    for (int n = -1; n <= 4; n++) {
        const bool fine = n == 1 || n == 3;
        assert_int_equal(vae_decoder_frames(d, n), fine ? 4 * n - 3 : 0);
        if (fine)
            continue;
        lt_error refused = {0};
        assert_int_equal(vae_decode(d, latents, n, frame, NULL, &refused), LT_ERR_USAGE);
    }
    assert_int_equal(vae_decode(d, latents, 1, frame, NULL, &err), LT_OK); /* a single picture */
    lt_error refused = {0};
    assert_int_equal(vae_decode(d, latents, 3, frame, NULL, &refused), LT_ERR_USAGE);
    assert_int_equal(vae_decoder_frames(d, 2), 8);
    assert_int_equal(vae_decode(d, latents + CELLS, 2, frame, NULL, &err), LT_OK);
    vae_decoder_close(d);
}

static void a_reset_stream_is_a_fresh_one(void **state)
{
    (void)state;
    static uint8_t got[sizeof wanted];
    vae_decoder *d = fresh();
    assert_int_equal(vae_decode(d, latents + CELLS, 5, got, NULL, &err), LT_OK);
    assert_int_equal(vae_decoder_reset(d, &err), LT_OK);
    assert_int_equal(vae_decode(d, latents, MOST_LATENTS, got, NULL, &err), LT_OK);
    assert_memory_equal(got, wanted, sizeof wanted);
    vae_decoder_close(d);
}

static void memory_is_flat_and_given_back(void **state)
{
    (void)state;
    const size_t before = backend->memory_in_use;
    vae_decoder *d = fresh();
    static uint8_t got[sizeof wanted];
    assert_int_equal(vae_decode(d, latents, 3, got, NULL, &err), LT_OK);
    const size_t after_three = backend->memory_in_use - before;
    assert_int_equal(vae_decode(d, latents + 3 * CELLS, 4, got, NULL, &err), LT_OK);
    /* flat in the stream's length */
    assert_int_equal(backend->memory_in_use - before, after_three);
    vae_decoder_close(d);
    assert_int_equal(backend->memory_in_use, before);
}

/* All latents by a decoder of `b`, whole or frame by frame: the frames, and the most memory that
 * was in use meanwhile. */
static size_t decode_at_pace(lt_backend *b, unsigned pace, uint8_t *rgb)
{
    vae_model *m;
    vae_decoder *d;
    assert_int_equal(vae_open(lt_golden_weights(golden), &cfg, b, VAE_DECODER | pace, &m, &err),
                     LT_OK);
    assert_int_equal(vae_decoder_open(m, H, W, &d, &err), LT_OK);
    b->memory_peak = b->memory_in_use;
    const size_t before = b->memory_in_use;
    assert_int_equal(vae_decode(d, latents, MOST_LATENTS, rgb, NULL, &err), LT_OK);
    const size_t took = b->memory_peak - before;
    vae_decoder_close(d);
    vae_close(m);
    return took;
}

static void frame_by_frame_in_the_same_bytes_and_less_memory(void **state)
{
    (void)state;
    lt_backend *cpu[2];
    static uint8_t whole[sizeof wanted];
    static uint8_t spared[sizeof wanted];
    assert_int_equal(lt_cpu_open(&cpu[0], 0, LT_F32, &err), LT_OK);
    assert_int_equal(lt_cpu_open(&cpu[1], 3, LT_BF16, &err), LT_OK);
    lt_backend *const all[] = {backend, cpu[0], cpu[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const size_t took = decode_at_pace(all[i], 0, whole);
        const size_t less = decode_at_pace(all[i], VAE_SPARE_MEMORY, spared);
        assert_memory_equal(spared, whole, sizeof wanted);
        check_within(less, 1, took * 3 / 4);
    }
    cpu[0]->table->close(cpu[0]);
    cpu[1]->table->close(cpu[1]);
}

/* What one pace leaves behind, the other goes on from. */
static void the_pace_may_change_between_calls(void **state)
{
    (void)state;
    static uint8_t got[sizeof wanted];
    vae_model *spare;
    vae_decoder *first = fresh();
    vae_decoder *second;
    const size_t bytes = vae_decoder_state_bytes(first);
    void *saved = malloc(bytes);
    assert_non_null(saved);
    assert_int_equal(vae_decode(first, latents, 3, got, NULL, &err), LT_OK);
    assert_int_equal(vae_decoder_save(first, saved, &err), LT_OK);
    assert_int_equal(vae_open(lt_golden_weights(golden), &cfg, backend,
                              VAE_DECODER | VAE_SPARE_MEMORY, &spare, &err),
                     LT_OK);
    assert_int_equal(vae_decoder_open(spare, H, W, &second, &err), LT_OK);
    assert_int_equal(vae_decoder_load(second, saved, bytes, &err), LT_OK);
    assert_int_equal(vae_decode(second, latents + 3 * CELLS, 2, got + 9 * FRAME, NULL, &err),
                     LT_OK);
    assert_int_equal(vae_decoder_save(second, saved, &err), LT_OK);
    assert_int_equal(vae_decoder_load(first, saved, bytes, &err), LT_OK);
    assert_int_equal(vae_decode(first, latents + 5 * CELLS, 2, got + 17 * FRAME, NULL, &err),
                     LT_OK);
    assert_memory_equal(got, wanted, sizeof wanted);
    vae_decoder_close(second);
    vae_decoder_close(first);
    vae_close(spare);
    free(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_give_the_same_bytes),
        cmocka_unit_test(whole_calls_give_the_same_bytes),
        cmocka_unit_test(a_restored_stream_goes_on_in_the_same_bytes),
        cmocka_unit_test(a_damaged_or_foreign_state_is_refused),
        cmocka_unit_test(a_stream_begins_odd_and_goes_on_even),
        cmocka_unit_test(a_reset_stream_is_a_fresh_one),
        cmocka_unit_test(memory_is_flat_and_given_back),
        cmocka_unit_test(frame_by_frame_in_the_same_bytes_and_less_memory),
        cmocka_unit_test(the_pace_may_change_between_calls),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
