/* test_memory_probe.c - what the ways of a take need on the processor, and which of them is chosen
 * under a limit. */
#include "pipeline/memory_probe.h"

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_model.h"

enum { DOES = TAKE_DOES_REFINE | TAKE_DOES_DECODE | TAKE_DOES_KEEP };

/* The quickest first. */
static const take_memory ways[] = {
    {.networks = TAKE_NETWORKS_TOGETHER, .vae = TAKE_VAE_WHOLE_CALLS},
    {.networks = TAKE_NETWORKS_TOGETHER, .vae = TAKE_VAE_FRAME_BY_FRAME},
    {.networks = TAKE_NETWORKS_IN_TURNS, .vae = TAKE_VAE_WHOLE_CALLS},
    {.networks = TAKE_NETWORKS_IN_TURNS, .vae = TAKE_VAE_FRAME_BY_FRAME},
};

enum { WAYS = sizeof ways / sizeof *ways };

static struct {
    longtake *engine;
    take_spec spec;
} a_take;

static int setup(void **state)
{
    longtake_options options;
    longtake_request r;
    longtake_error error;
    lt_error err = {0};
    char root[128];
    const int failed = scratch_setup(state);
    snprintf(root, sizeof root, "%s", scratch_path("")); /* which the model takes for itself */
    tiny_model_write(TEST_SOURCE_DIR "/configs/tiny.yaml", LT_F32, scratch_path("tiny"));
    scratch_open_at(root);
    longtake_options_init(&options);
    options.model = scratch_path("tiny");
    options.device = "cpu";
    options.precision = "f32";
    if (longtake_open(&options, &a_take.engine, &error) != LONGTAKE_OK)
        return -1;
    longtake_request_init(&r);
    r.prompt = "a red ball";
    r.settings.seconds = 6;
    if (take_spec_resolve(&r, &a_take.engine->cfg, NULL, TAKE_NEEDS_PROMPT, 0, &a_take.spec,
                          &err) != LT_OK)
        return -1;
    return failed;
}

static int teardown(void **state)
{
    take_spec_clear(&a_take.spec);
    longtake_close(a_take.engine);
    return scratch_teardown(state);
}

static int64_t needed(const take_memory *way)
{
    take_probe p;
    lt_error err = {0};
    check_ok(take_probe_open(&p, a_take.engine, &a_take.spec, &err), err);
    p.way = *way;
    check_ok(take_probe_render(&p, DOES, &err), err);
    const take_memory_needs needs = take_probe_needs(&p);
    assert_int_equal(needs.device, 0); /* the processor's memory is the host's */
    assert_int_equal(needs.pinned, 0);
    take_probe_close(&p);
    return needs.host;
}

static void each_way_needs_less(void **state)
{
    (void)state;
    for (int i = 1; i < WAYS; i++)
        if (needed(&ways[i]) >= needed(&ways[i - 1]))
            fail_msg("way %d needs %lld bytes, the one before %lld", i, (long long)needed(&ways[i]),
                     (long long)needed(&ways[i - 1]));
    assert_int_equal(needed(&ways[0]), needed(&ways[0]));
}

/* A stage that has run counts no more when another one, which needs less, has run too. */
static void the_most_counts(void **state)
{
    (void)state;
    take_probe p;
    lt_error err = {0};
    check_ok(take_probe_open(&p, a_take.engine, &a_take.spec, &err), err);
    check_ok(take_probe_text(&p, TAKE_NET_TEXT_MMDIT, &err), err);
    const int64_t text = take_probe_needs(&p).host;
    check_ok(take_probe_render(&p, DOES, &err), err);
    const int64_t both = take_probe_needs(&p).host;
    check_ok(take_probe_text(&p, TAKE_NET_TEXT_MMDIT, &err), err);
    assert_true(text < both);
    assert_int_equal(take_probe_needs(&p).host, both);
    take_probe_close(&p);
}

static void the_quickest_that_fits(void **state)
{
    (void)state;
    const media_spec video = {.format = MEDIA_MP4,
                              .width = a_take.spec.width,
                              .height = a_take.spec.height,
                              .scale = 1,
                              .fps = 8};
    lt_error err = {0};
    take_memory found;
    check_ok(take_memory_limit(a_take.engine, &a_take.spec, DOES, &video, &found, &err), err);
    assert_int_equal(found.networks, TAKE_NETWORKS_TOGETHER); /* no limit: nothing is counted */
    assert_int_equal(found.bytes, 0);
    a_take.engine->max_memory = 1;
    check_failed(take_memory_limit(a_take.engine, &a_take.spec, DOES, &video, &found, &err), err,
                 LT_ERR_RESOURCES, "--max-memory: this take needs");
    assert_int_equal(found.networks, TAKE_NETWORKS_IN_TURNS); /* the least */
    assert_int_equal(found.vae, TAKE_VAE_FRAME_BY_FRAME);
    a_take.engine->max_memory = INT64_MAX;
    check_ok(take_memory_limit(a_take.engine, &a_take.spec, DOES, &video, &found, &err), err);
    assert_int_equal(found.networks, TAKE_NETWORKS_TOGETHER);
    assert_int_equal(found.vae, TAKE_VAE_WHOLE_CALLS);
    assert_true(found.bytes > 0);
    a_take.engine->max_memory = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_needs_less),
        cmocka_unit_test(the_most_counts),
        cmocka_unit_test(the_quickest_that_fits),
    };
    return cmocka_run_group_tests_name("memory of a take", tests, setup, teardown);
}
