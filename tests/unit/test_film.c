/* test_film.c - films: what is read, and twenty that are refused with their place. */
#include "pipeline/script/film.h"
#include "tests/support/check.h"

static const char good[] =
    "take: {seconds: 30, seed: 7, model: mini, cfg_scale: 3, carry: frames}\n"
    "shots:\n"
    "  - {at: 0s, prompt: noon}\n"
    "  - {at: \"0:12\", prompt: \"sun: set\", motion: 0.3}\n"
    "  - {at: 192f, prompt: night, seed: 11, cfg_scale: 2}\n";

static lt_status parse(const char *text, longtake_film **film, lt_error *err)
{
    return film_parse(text, strlen(text), "film.yaml", film, err);
}

static void reads_shots_and_settings(void **state)
{
    (void)state;
    lt_error err = {0};
    longtake_film *film = NULL;
    longtake_request r;
    check_ok(parse(good, &film, &err), err);
    assert_string_equal(film->model, "mini");
    longtake_request_init(&r);
    check_ok(film_apply(film, 8, &r, &err), err);
    assert_int_equal(r.settings.frames, 240);
    assert_int_equal(r.settings.seed, 7);
    assert_float_equal(r.settings.cfg_scale, 3, 0);
    assert_string_equal(r.settings.carry, "frames");
    assert_int_equal(r.settings.steps, LONGTAKE_UNSET);
    assert_int_equal(r.shot_count, 3);
    assert_int_equal(r.shots[1].at_frame, 96);
    assert_string_equal(r.shots[1].prompt, "sun: set");
    assert_float_equal(r.shots[1].motion, 0.3, 0);
    assert_int_equal(r.shots[1].seed, -1);
    assert_int_equal(r.shots[2].at_frame, 192);
    assert_int_equal(r.shots[2].seed, 11);
    film_close(film);
}

static void reads_rates(void **state)
{
    (void)state;
    static const struct {
        const char *rate;
        double fps;
    } row[] = {{"24", 24},
               {"23.976", 23.976},
               {"30000/1001", 30000.0 / 1001},
               {"'24000/1001'", 24000.0 / 1001},
               {"25/1", 25}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[80];
        lt_error err = {0};
        longtake_film *film = NULL;
        longtake_request r;
        snprintf(text, sizeof text, "take: {fps: %s}\nshots:\n  - {prompt: a}\n", row[i].rate);
        check_ok(parse(text, &film, &err), err);
        longtake_request_init(&r);
        check_ok(film_apply(film, 8, &r, &err), err);
        assert_float_equal(r.settings.fps, row[i].fps, 0);
        film_close(film);
    }
}

static void a_request_wins(void **state)
{
    (void)state;
    lt_error err = {0};
    longtake_film *film = NULL;
    longtake_request r;
    check_ok(parse(good, &film, &err), err);
    longtake_request_init(&r);
    r.settings.seconds = 25;
    r.settings.seed = 3;
    r.settings.cfg_scale = 1;
    check_ok(film_apply(film, 8, &r, &err), err);
    assert_int_equal(r.settings.frames, LONGTAKE_UNSET);
    assert_int_equal(r.settings.seed, 3);
    assert_float_equal(r.settings.cfg_scale, 1, 0);
    film_close(film);
}

static void refuses_bad_films(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } row[] = {
        {"", "film.yaml"},
        {"a film", "film.yaml:1:1: found a value"},
        {"take: {seconds: 3}\n", "film.yaml:1:1: found no 'shots'"},
        {"shots: []\n", "film.yaml:1:8: 'shots' is an empty list, expected at least one shot"},
        {"shots: {at: 0s}\n", "film.yaml:1:8: 'shots' is a map"},
        {"shots:\n  - walk\n", "film.yaml:2:5: shot 0 is a value, expected a map"},
        {"shots:\n  - {at: 0s}\n", "film.yaml:2:5: shot 0 has no 'prompt'"},
        {"shots:\n  - {prompt: ''}\n", "film.yaml:2:14: 'prompt' is '', expected a text"},
        {"shots:\n  - {prompt: [a]}\n", "film.yaml:2:14: 'prompt' is a list, expected a text"},
        {"shots:\n  - {at: 1s, prompt: a}\n",
         "film.yaml:2:10: the first shot begins at '1s', expected 0s"},
        {"shots:\n  - {prompt: a}\n  - {prompt: b}\n", "film.yaml:3:5: shot 1 has no 'at'"},
        {"shots:\n  - {prompt: a}\n  - {at: -3s, prompt: b}\n",
         "film.yaml:3:10: 'at' is '-3s', expected a time"},
        {"shots:\n  - {prompt: a}\n  - {at: soon, prompt: b}\n",
         "film.yaml:3:10: 'at' is 'soon', expected a time"},
        {"shots:\n  - {prompt: a, motoin: 1}\n",
         "film.yaml:2:17: a shot has no key 'motoin'\nhint: the nearest is 'motion'"},
        {"shots:\n  - {prompt: a, motion: fast}\n",
         "film.yaml:2:25: 'motion' is 'fast', expected a number"},
        {"shots:\n  - {prompt: a, motion: -1}\n",
         "film.yaml:2:25: 'motion' is -1, expected 0 to 10"},
        {"shots:\n  - {prompt: a, seed: 1.5}\n",
         "film.yaml:2:23: 'seed' is '1.5', expected a whole number"},
        {"shots:\n  - {prompt: a, seed: 4294967296}\n",
         "film.yaml:2:23: 'seed' is 4294967296, expected 0 to 4294967295"},
        {"take: {secnods: 3}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:8: 'take' has no key 'secnods'\nhint: the nearest is 'seconds'"},
        {"take: {seconds: 3, frames: 24}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:20: 'seconds' and 'frames': found both"},
        {"take: {seconds: 0}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:17: 'seconds' is '0', expected a length above 0"},
        {"take: {frames: 6s}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:16: 'frames' is '6s', expected a whole number above 0"},
        {"take: {frames: 2.5}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:16: 'frames' is '2.5', expected a whole number above 0"},
        {"take: {carry: hand}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:15: 'carry' is 'hand', expected latents, frames or renoise"},
        {"take: {fps: 30000/}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:13: 'fps' is '30000/', expected a rate such as 24 or 30000/1001"},
        {"take: {fps: 1/0}\nshots:\n  - {prompt: a}\n", "'fps' is '1/0', expected a rate"},
        {"take: {fps: -24/-1}\nshots:\n  - {prompt: a}\n", "'fps' is '-24/-1', expected a rate"},
        {"take: {fps: \"24\"}\nshots:\n  - {prompt: a}\n", "'fps' is '24', expected a rate"},
        {"take: {fps: 1/1001}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:13: 'fps' is 1/1001, expected 0.1 to 240"},
        {"take: {lm_cfg: 1/2}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:16: 'lm_cfg' is '1/2', expected a number"},
        {"take: {steps: \"5\"}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:15: 'steps' is '5', expected a whole number"},
        {"take: 3\nshots:\n  - {prompt: a}\n", "film.yaml:1:7: 'take' is '3', expected a map"},
        {"reel: 3\nshots:\n  - {prompt: a}\n", "film.yaml:1:1: a film has no key 'reel'"},
        {"shots:\n  - {prompt: a, prompt: b}\n", "film.yaml:2:"},
        {"shots: [\n", "film.yaml:2:"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        lt_error err = {0};
        longtake_film *film = NULL;
        check_failed(parse(row[i].text, &film, &err), err, LT_ERR_INPUT, row[i].part);
        assert_null(film);
    }
}

/* What only the frame rate shows. */
static void refuses_shots_out_of_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } row[] = {
        {"take: {seconds: 2}\nshots:\n  - {prompt: a}\n  - {at: 2s, prompt: b}\n",
         "film.yaml:4:10: shot 1 begins at frame 16, the take has 16"},
        {"shots:\n  - {prompt: a}\n  - {at: 2s, prompt: b}\n  - {at: 16f, prompt: c}\n",
         "film.yaml:4:10: shot 2 begins at frame 16, expected after frame 16"},
        {"shots:\n  - {prompt: a}\n  - {at: 0s, prompt: b}\n",
         "film.yaml:3:10: shot 1 begins at frame 0"},
        {"take: {length: 0.01s}\nshots:\n  - {prompt: a}\n",
         "film.yaml:1:16: 'length' is '0.01s', expected at least one frame"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        lt_error err = {0};
        longtake_film *film = NULL;
        longtake_request r;
        longtake_request_init(&r);
        check_ok(parse(row[i].text, &film, &err), err);
        check_failed(film_apply(film, 8, &r, &err), err, LT_ERR_INPUT, row[i].part);
        film_close(film);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_shots_and_settings), cmocka_unit_test(reads_rates),
        cmocka_unit_test(a_request_wins), cmocka_unit_test(refuses_bad_films),
        cmocka_unit_test(refuses_shots_out_of_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
