/* test_text_guidance.c - plain and projected guidance on numbers small enough to check by hand. */
#include <math.h>

#include "mmdit/text_guidance.h"
#include "tests/support/check.h"

enum { FRAMES = 2, VALUES = 2 };

typedef struct {
    double w;
    bool projected;
    float cond[FRAMES][VALUES];
    float uncond[FRAMES][VALUES];
    float out[FRAMES][VALUES];
} guide_run;

static lt_status guide_pass(lt_ops *o, void *user)
{
    guide_run *r = user;
    static float scratch[2 * FRAMES * VALUES];
    const lt_shape shape = lt_shape2(FRAMES, VALUES);
    const lt_tensor cond = lt_from_host(o, r->cond, LT_F32, shape);
    const lt_tensor uncond = lt_from_host(o, r->uncond, LT_F32, shape);
    const lt_tensor out = lt_new(o, LT_F32, shape);
    if (r->projected)
        dit_guide_apg(o, r->w, out, cond, uncond, scratch);
    else
        dit_guide_cfg(o, r->w, out, cond, uncond);
    lt_download(o, r->out, out);
    return lt_ops_status(o);
}

static void check_guidance(guide_run r, const float want[FRAMES][VALUES])
{
    lt_error err = {0};
    lt_backend *backend;
    lt_ops o;
    check_ok(lt_reference_open(&backend, 1, &err), err);
    lt_ops_open(&o, backend);
    check_ok(lt_ops_run(&o, guide_pass, &r, &err), err);
    for (int t = 0; t < FRAMES; t++)
        for (int i = 0; i < VALUES; i++)
            if (!(fabsf(r.out[t][i] - want[t][i]) <= 1e-6f))
                fail_msg("frame %d value %d: got %g, want %g", t, i, (double)r.out[t][i],
                         (double)want[t][i]);
    lt_ops_close(&o);
    backend->table->close(backend);
}

static void plain_guidance_goes_past_the_text(void **state)
{
    (void)state;
    const float want[FRAMES][VALUES] = {{4, -2}, {1, 3}};
    check_guidance((guide_run){.w = 3, .cond = {{2, 0}, {1, 1}}, .uncond = {{1, 1}, {1, 0}}}, want);
}

/* Differences (1, -1) and (0, 1) against conditions (2, 0) and (1, 1): parallel
 * share (2 + 1) / (4 + 2) = 1/2. */
static void projected_guidance_drops_the_parallel_part(void **state)
{
    (void)state;
    const float want[FRAMES][VALUES] = {{2, -2}, {0, 2}};
    check_guidance(
        (guide_run){
            .w = 3, .projected = true, .cond = {{2, 0}, {1, 1}}, .uncond = {{1, 1}, {1, 0}}},
        want);
}

static void nothing_is_orthogonal_to_zero(void **state)
{
    (void)state;
    const float want[FRAMES][VALUES] = {{-1, 0}, {0, 0}};
    check_guidance((guide_run){.w = 2, .projected = true, .uncond = {{1, 0}, {0, 0}}}, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_guidance_goes_past_the_text),
        cmocka_unit_test(projected_guidance_drops_the_parallel_part),
        cmocka_unit_test(nothing_is_orthogonal_to_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
