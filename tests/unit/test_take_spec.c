/* test_take_spec.c - requests that make no sense are refused with the name of what is wrong; the
 * others leave nothing unset. */
#include "pipeline/take_spec.h"

#include <math.h>

#include "tests/support/check.h"

static cfg_model cfg;

static int open_config(void **state)
{
    (void)state;
    lt_error err = {0};
    return cfg_read(TEST_SOURCE_DIR "/configs/tiny.yaml", &cfg, &err) == LT_OK ? 0 : -1;
}

static longtake_request request_of(double seconds)
{
    longtake_request r;
    longtake_request_init(&r);
    r.prompt = "a red ball";
    r.settings.seconds = seconds;
    return r;
}

static void check_refused(const longtake_request *r, const char *because)
{
    lt_error err = {0};
    take_spec spec;
    lt_status s =
        take_spec_resolve(r, &cfg, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &spec, &err);
    if (s != LT_OK)
        assert_int_equal(spec.shots, 0);
    else
        s = take_spec_retakes(r, &spec, &err);
    take_spec_clear(&spec);
    check_failed(s, err, LT_ERR_USAGE, because);
}

static void fills_what_was_left_open(void **state)
{
    (void)state;
    const longtake_request r = request_of(4);
    lt_error err = {0};
    take_spec s;
    check_ok(take_spec_resolve(&r, &cfg, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
             err);
    assert_int_equal(s.time.frames, 32);
    assert_int_equal(s.seed, 42);
    assert_int_equal(s.steps, cfg.mmdit.steps);
    assert_int_equal(s.scale, 1);
    assert_int_equal(s.shots, 1);
    assert_string_equal(s.shot[0].prompt, "a red ball");
    assert_int_equal(s.shot[0].seed, 42);
    assert_true(s.shot[0].cfg_scale == cfg.pipeline.cfg_scale);
    take_spec_clear(&s);
}

/* However many semantic frames a segment holds. */
static void a_take_may_last_a_day(void **state)
{
    (void)state;
    cfg_model single = cfg;
    single.ar_model.segment_frames = single.tokenizer.temporal_size = 1;
    const cfg_model *models[] = {&cfg, &single};
    for (int i = 0; i < 2; i++) {
        const longtake_request r = request_of(86400);
        lt_error err = {0};
        int64_t frames;
        check_ok(take_spec_length(&r.settings, models[i], TAKE_NEEDS_LENGTH, 0, &frames, &err),
                 err);
        assert_int_equal(frames, 691200);
        const longtake_request longer = request_of(86400.125);
        check_failed(
            take_spec_length(&longer.settings, models[i], TAKE_NEEDS_LENGTH, 0, &frames, &err), err,
            LT_ERR_USAGE, "691201 frames, expected 1 to 691200");
    }
}

static void refuses_settings_beyond_their_range(void **state)
{
    (void)state;
    longtake_request r = request_of(4);
    r.settings.frames = 9;
    check_refused(&r, "expected one");
    r = request_of(NAN);
    check_refused(&r, "--seconds");
    r = request_of(1e300);
    check_refused(&r, "--seconds");
    r = request_of(4);
    r.settings.seed = 4294967296;
    check_refused(&r, "--seed");
    r = request_of(4);
    r.settings.overlap = 2;
    check_refused(&r, "expected an odd number");
    r = request_of(4);
    r.settings.steps = 0;
    check_refused(&r, "--steps");
    r = request_of(4);
    r.settings.top_k = 3;
    r.settings.top_p = 0.5;
    check_refused(&r, "expected one");
    r = request_of(4);
    r.settings.fps = INFINITY;
    check_refused(&r, "fps");
}

static void refuses_retakes_of_windows_that_are_not_there(void **state)
{
    (void)state;
    longtake_retake retake = {.first = 0, .last = 99, .seed = 1};
    longtake_request r = request_of(4);
    r.retakes = &retake;
    r.retake_count = 1;
    check_refused(&r, "--retake: found windows 0 to 99");
    retake.last = 0;
    retake.seed = -1;
    check_refused(&r, "--retake-seed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_what_was_left_open),
        cmocka_unit_test(a_take_may_last_a_day),
        cmocka_unit_test(refuses_settings_beyond_their_range),
        cmocka_unit_test(refuses_retakes_of_windows_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, open_config, NULL);
}
