/* test_dit_sampler.c - a window on a small random model: known latents,
 * seeds, guidance, cancelling. */
#include <math.h>
#include <stdlib.h>

#include "mmdit/dit_model.h"
#include "tests/support/check.h"

enum { T = 3, LATENT = T * 4 * 4 * 6, FRAME = 4 * 4 * 6, TEXT = 5 * 8 };

static const cfg_mmdit cfg = {.width = 64,
                              .layers = 2,
                              .control_layers = 1,
                              .heads = 1,
                              .mlp_width = 64,
                              .time_width = 8,
                              .text_length = 5,
                              .text_width = 8,
                              .latent_channels = 4,
                              .patch = 2,
                              .latent_frames = 4,
                              .latent_height = 4,
                              .latent_width = 6,
                              .position_scale = 1.0,
                              .steps = 4,
                              .upsample = {.in_channels = 6,
                                           .base_width = 32,
                                           .multiplier_count = 2,
                                           .multipliers = {1, 1},
                                           .blocks = 0,
                                           .out_channels = 8}};

typedef struct {
    lt_backend *backend;
    lt_weights *weights;
    dit_model *model;
    float control[LATENT];
    float text[TEXT];
    float known[2 * FRAME];
} fixture;

static int open_model(void **state)
{
    static fixture f;
    lt_error err = {0};
    float features[T * 2 * 3 * 6];
    lt_normals((lt_draw){.seed = 1}, 0, sizeof features / sizeof *features, features);
    lt_normals((lt_draw){.seed = 2}, 0, TEXT, f.text);
    lt_normals((lt_draw){.seed = 3}, 0, 2 * FRAME, f.known);
    check_ok(lt_reference_open(&f.backend, 2, &err), err);
    check_ok(lt_weights_synthetic(LT_F32, 5, &f.weights, &err), err);
    check_ok(dit_model_open(f.weights, &cfg, f.backend, &f.model, &err), err);
    check_ok(dit_control_latent(f.model, features, T, f.control, &err), err);
    *state = &f;
    return 0;
}

static int close_model(void **state)
{
    fixture *f = *state;
    dit_model_close(f->model);
    lt_weights_close(f->weights);
    f->backend->table->close(f->backend);
    return 0;
}

static dit_request request_of(const fixture *f)
{
    dit_request r;
    dit_request_init(&r);
    r.frames = T;
    r.control = f->control;
    r.text = f->text;
    return r;
}

static void refine(const fixture *f, const dit_request *r, float *latent)
{
    lt_error err = {0};
    check_ok(dit_refine(f->model, r, latent, &err), err);
    for (int i = 0; i < LATENT; i++)
        assert_true(isfinite(latent[i]));
}

static void the_noise_depends_on_seed_and_window(void **state)
{
    const fixture *f = *state;
    float a[LATENT];
    float b[LATENT];
    dit_request r = request_of(f);
    refine(f, &r, a);
    refine(f, &r, b);
    assert_memory_equal(a, b, sizeof a);
    r.window = 1;
    refine(f, &r, b);
    assert_memory_not_equal(a, b, sizeof a);
    r.window = 0;
    r.seed = 43;
    refine(f, &r, b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void known_latents_come_back_clean(void **state)
{
    const fixture *f = *state;
    float free_run[LATENT];
    float clean[LATENT];
    float renoised[LATENT];
    dit_request r = request_of(f);
    refine(f, &r, free_run);
    r.known = f->known;
    r.known_frames = 2;
    refine(f, &r, clean);
    r.carry = CFG_CARRY_RENOISE;
    refine(f, &r, renoised);
    assert_memory_equal(clean, f->known, 2 * FRAME * sizeof *clean);
    assert_memory_equal(renoised, f->known, 2 * FRAME * sizeof *clean);
    /* the new frame saw them */
    assert_memory_not_equal(clean + 2 * FRAME, free_run + 2 * FRAME, FRAME * sizeof *clean);
    assert_memory_not_equal(renoised + 2 * FRAME, clean + 2 * FRAME, FRAME * sizeof *clean);
}

/* As if latents on the way to the control latents had been known; what comes back are the known
 * ones all the same. */
static void an_anchor_draws_known_latents_to_the_control_latents(void **state)
{
    const fixture *f = *state;
    float anchored[LATENT];
    float drawn[LATENT];
    float known[2 * FRAME];
    dit_request r = request_of(f);
    r.known = f->known;
    r.known_frames = 2;
    r.anchor = 0.25;
    refine(f, &r, anchored);
    for (int i = 0; i < 2 * FRAME; i++)
        known[i] = 0.75f * f->known[i] + 0.25f * f->control[i];
    r.known = known;
    r.anchor = 0;
    refine(f, &r, drawn);
    assert_memory_equal(anchored, f->known, 2 * FRAME * sizeof *anchored);
    /* one rounding of a known value, through two layers and four steps */
    for (int i = 2 * FRAME; i < LATENT; i++)
        assert_true(fabsf(anchored[i] - drawn[i]) < 1e-4f);
    r.known = f->known;
    refine(f, &r, drawn);
    float most = 0;
    for (int i = 2 * FRAME; i < LATENT; i++)
        most = fmaxf(most, fabsf(anchored[i] - drawn[i]));
    assert_true(most > 1e-3f); /* a bound that is a tenth of what the anchor does */
}

/* The release's draws, given as arrays, take the place of ours. */
static void given_draws_are_used_in_the_official_order(void **state)
{
    const fixture *f = *state;
    assert_int_equal(dit_official_draws(50, CFG_CARRY_LATENTS, 0), 98);
    assert_int_equal(dit_official_draws(50, CFG_CARRY_LATENTS, 7), 98);
    assert_int_equal(dit_official_draws(50, CFG_CARRY_RENOISE, 7), 148);
    static float noise[8][LATENT];
    const float *draws[8];
    float a[LATENT];
    float b[LATENT];
    for (int k = 0; k < 8; k++) {
        lt_normals((lt_draw){.seed = 9, .step = (uint32_t)k}, 0, LATENT, noise[k]);
        draws[k] = noise[k];
    }
    dit_request r = request_of(f);
    r.draws = draws;
    r.draw_count = dit_official_draws(4, r.carry, 0);
    assert_int_equal(r.draw_count, 6);
    refine(f, &r, a);
    for (int thrown_away = 2; thrown_away <= 4; thrown_away += 2)
        noise[thrown_away][0] += 1.0f;
    refine(f, &r, b);
    assert_memory_equal(a, b, sizeof a);
    noise[5][0] += 1.0f; /* of step 2, the last one with noise */
    refine(f, &r, b);
    assert_memory_not_equal(a, b, sizeof a);

    lt_error err = {0};
    r.draw_count = 5;
    check_failed(dit_refine(f->model, &r, a, &err), err, LT_ERR_INPUT, "expected 6");
}

/* Weight 1 needs no unconditional pass and must give what a weight just beside it gives. */
static void weight_one_is_the_limit_of_its_neighbours(void **state)
{
    const fixture *f = *state;
    float one[LATENT];
    float beside[LATENT];
    dit_request r = request_of(f);
    r.scale_kind = DIT_SCALE_CONSTANT;
    for (int kind = DIT_GUIDANCE_CFG; kind <= DIT_GUIDANCE_APG; kind++) {
        r.guidance = (dit_guidance_kind)kind;
        r.scale = 1.0;
        refine(f, &r, one);
        r.scale = 1.0 + 1e-6;
        refine(f, &r, beside);
        for (int i = 0; i < LATENT; i++)
            assert_true(fabsf(one[i] - beside[i]) < 1e-4f);
    }
}

/* The processor's own kernels: the same bytes from one thread and from
 * three, and near the reference. */
static void threads_do_not_change_a_byte(void **state)
{
    const fixture *f = *state;
    float latent[3][LATENT];
    dit_request r = request_of(f);
    r.known = f->known;
    r.known_frames = 1;
    refine(f, &r, latent[0]);
    for (int threads = 1; threads <= 3; threads += 2) {
        lt_error err = {0};
        lt_backend *backend;
        fixture other = *f;
        check_ok(lt_cpu_open(&backend, threads, LT_F32, &err), err);
        check_ok(dit_model_open(f->weights, &cfg, backend, &other.model, &err), err);
        refine(&other, &r, latent[threads == 1 ? 1 : 2]);
        dit_model_close(other.model);
        backend->table->close(backend);
    }
    assert_memory_equal(latent[1], latent[2], sizeof latent[1]);
    for (int i = 0; i < LATENT; i++)
        assert_true(fabsf(latent[0][i] - latent[1][i]) < 1e-4f);
}

typedef struct {
    int calls;
    int previews;
    int stop_at;
    float last[LATENT];
} watcher;

static int watch(void *user, int step, int steps, const float *x0)
{
    watcher *w = user;
    w->calls++;
    assert_int_equal(step, w->calls);
    assert_int_equal(steps, 4);
    if (x0) {
        w->previews++;
        memcpy(w->last, x0, sizeof w->last);
    }
    return step == w->stop_at;
}

static void progress_previews_and_cancels(void **state)
{
    const fixture *f = *state;
    float latent[LATENT];
    static watcher w;
    w = (watcher){0};
    dit_request r = request_of(f);
    r.progress = watch;
    r.user = &w;
    r.preview_every = 2;
    refine(f, &r, latent);
    assert_int_equal(w.calls, 4);
    assert_int_equal(w.previews, 2);
    assert_memory_equal(w.last, latent, sizeof latent); /* the last preview is the result */

    lt_error err = {0};
    w = (watcher){.stop_at = 2};
    check_failed(dit_refine(f->model, &r, latent, &err), err, LT_ERR_CANCELLED, "step 2 of 4");
    assert_int_equal(w.calls, 2);
}

/* The pass without text carries one row for all its text rows. A text of zeros is the same with all
 * of them, so it pulls nowhere. */
static void one_row_stands_for_all_without_text(void **state)
{
    const fixture *f = *state;
    static const float zeros[TEXT];
    float plain[LATENT];
    float guided[LATENT];
    dit_request r = request_of(f);
    r.text = zeros;
    r.scale_kind = DIT_SCALE_CONSTANT;
    r.known = f->known;
    for (r.known_frames = 0; r.known_frames <= 2; r.known_frames += 2) {
        r.scale = 1.0;
        refine(f, &r, plain);
        r.scale = 9.0;
        refine(f, &r, guided);
        assert_memory_equal(plain, guided, sizeof plain);
    }
}

static void requests_that_make_no_sense(void **state)
{
    const fixture *f = *state;
    float latent[LATENT];
    lt_error err = {0};
    dit_request r = request_of(f);
    r.frames = 5;
    check_failed(dit_refine(f->model, &r, latent, &err), err, LT_ERR_USAGE,
                 "window of 5 latents, expected 1 .. 4");
    err = (lt_error){0};
    r.frames = T;
    r.known_frames = T;
    check_failed(dit_refine(f->model, &r, latent, &err), err, LT_ERR_USAGE, "expected 0 .. 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_noise_depends_on_seed_and_window),
        cmocka_unit_test(known_latents_come_back_clean),
        cmocka_unit_test(an_anchor_draws_known_latents_to_the_control_latents),
        cmocka_unit_test(given_draws_are_used_in_the_official_order),
        cmocka_unit_test(weight_one_is_the_limit_of_its_neighbours),
        cmocka_unit_test(one_row_stands_for_all_without_text),
        cmocka_unit_test(threads_do_not_change_a_byte),
        cmocka_unit_test(progress_previews_and_cancels),
        cmocka_unit_test(requests_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
