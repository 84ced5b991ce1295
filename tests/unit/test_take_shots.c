/* test_take_shots.c - prompts and shots of a request become those of a take, in the model's words;
 * what they tell happens later is spread over them. */
#include "pipeline/script/take_shots.h"

#include <math.h>

#include "pipeline/script/wording_list.h"
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
    const lt_status s =
        take_spec_resolve(r, &cfg, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &spec, &err);
    check_failed(s, err, LT_ERR_USAGE, because);
    assert_int_equal(spec.shots, 0);
}

/* Shots of a take in a model whose times of day follow one another. */
static void check_shots(const char *prompt, double seconds, const int64_t *at,
                        const char *const *prompts, int shots)
{
    cfg_model spread = cfg;
    spread.pipeline.events = CFG_EVENTS_SPREAD;
    spread.ar_model.segment_frames = 1;
    longtake_request r = request_of(seconds);
    r.prompt = prompt;
    lt_error err = {0};
    take_wording *words;
    take_spec s;
    check_ok(
        take_wording_parse(
            "> 2\nat dawn = the sun rises\nat noon\nat dusk\nat night = night falls\n\nred\nblue = it turns blue",
            "list", &words, &err),
        err);
    /* of the file: how fast it plays changes nothing that is seen */
    for (int fps = 8; fps <= 24; fps += 16) {
        r.settings.fps = fps;
        check_ok(take_spec_resolve(&r, &spread, words, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s,
                                   &err),
                 err);
        assert_int_equal(s.shots, shots);
        for (int i = 0; i < shots; i++) {
            assert_int_equal(s.shot[i].at_frame, at[i]);
            assert_string_equal(s.shot[i].prompt, prompts[i]);
            assert_true(i == 0 || s.shot[i].shot_cfg == s.shot_cfg);
        }
        take_spec_clear(&s);
    }
    take_wording_close(words);
}

static void events_that_take_their_time_are_half_way_when_due(void **state)
{
    (void)state;
    static const char *const falls[] = {"a red ball at noon", "a red ball at dusk",
                                        "a red ball at night"};
    check_shots("a red ball at noon, then night falls", 12, (const int64_t[]){0, 40, 56}, falls, 3);
    /* half of twelve frames */
    check_shots("a red ball at noon, then night falls", 3, (const int64_t[]){0, 9, 15}, falls, 3);
    /* too short for dusk */
    check_shots("a red ball at noon, then night falls", 1, (const int64_t[]){0, 4},
                (const char *const[]){falls[0], falls[2]}, 2);
    /* until the next day */
    check_shots("a red ball at noon, then the sun rises", 20, (const int64_t[]){0, 64, 80, 96},
                (const char *const[]){falls[0], falls[1], falls[2], "a red ball at dawn"}, 4);
    check_shots("a red ball at noon, then it turns blue, then night falls", 12,
                (const int64_t[]){0, 32, 56, 72},
                (const char *const[]){falls[0], "a blue ball at noon", "a blue ball at dusk",
                                      "a blue ball at night"},
                4);
}

/* The first prompt of a take that nothing is before says what is usual, and what follows goes on
 * from there; not where a picture, tokens, or a plan of the shot's own come first. */
static void begins_as_usual(void **state)
{
    (void)state;
    cfg_model spread = cfg;
    spread.pipeline.events = CFG_EVENTS_SPREAD;
    take_wording *words;
    lt_error err = {0};
    check_ok(
        take_wording_parse("+\n? at noon\nat noon\nat night = night falls\n", "list", &words, &err),
        err);
    longtake_request r = request_of(12);
    r.prompt = "a red ball rolls, then it rests, then night falls";
    static const char *const asked[] = {"a red ball rolls", "a red ball rolls, then it rests",
                                        "a red ball rolls, at night, then it rests"};
    static const char *const usual[] = {"a red ball rolls, at noon",
                                        "a red ball rolls, at noon, then it rests",
                                        "a red ball rolls, at night, then it rests"};
    for (int unseen = 0; unseen < 2; unseen++) {
        const int needs = TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH | (unseen ? TAKE_BEGINS_UNSEEN : 0);
        take_spec s;
        check_ok(take_spec_resolve(&r, &spread, words, needs, 0, &s, &err), err);
        assert_int_equal(s.shots, 3);
        for (int i = 0; i < 3; i++)
            assert_string_equal(s.shot[i].prompt, (unseen ? usual : asked)[i]);
        assert_true(s.begins_as_usual == unseen);
        take_spec_clear(&s);
    }
    longtake_shot shots[2];
    for (int i = 0; i < 2; i++)
        longtake_shot_init(&shots[i]);
    shots[0].prompt = "a red ball";
    shots[1].prompt = "a blue ball";
    shots[1].at_frame = 48;
    r.prompt = NULL;
    r.shots = shots;
    r.shot_count = 2;
    for (int planned = 0; planned < 2; planned++) {
        take_spec s;
        shots[0].plan = planned ? "clip.lt" : NULL;
        check_ok(take_spec_resolve(&r, &spread, words,
                                   TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH | TAKE_BEGINS_UNSEEN, 0,
                                   &s, &err),
                 err);
        assert_string_equal(s.shot[0].prompt, planned ? "a red ball" : "a red ball, at noon");
        assert_string_equal(s.shot[1].prompt, planned ? "a blue ball" : "a blue ball, at noon");
        assert_true(s.begins_as_usual == !planned);
        take_spec_clear(&s);
    }
    take_wording_close(words);
}

static void spreads_the_events_of_a_prompt(void **state)
{
    (void)state;
    cfg_model spread = cfg;
    spread.pipeline.events = CFG_EVENTS_SPREAD;
    longtake_request r = request_of(12);
    r.prompt = "a red ball rolls, then it turns blue. Then night falls";
    lt_error err = {0};
    take_spec s;
    check_ok(
        take_spec_resolve(&r, &spread, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err);
    assert_int_equal(s.shots, 3);
    static const char *const prompts[] = {"a red ball rolls",
                                          "a red ball rolls, then it turns blue",
                                          "a red ball rolls, then it turns blue. Then night falls"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s.shot[i].at_frame, 32 * i);
        assert_string_equal(s.shot[i].prompt, prompts[i]);
        assert_true(s.shot[i].motion == spread.pipeline.motion);
    }
    assert_false(take_leans(&s));
    take_spec_clear(&s);

    take_wording *words;
    check_ok(take_wording_parse("ball ~ orb\n\n+\nat noon\nat night = night falls, it gets dark\n",
                                "list", &words, &err),
             err);
    r.prompt = "a red orb rolls, then it turns blue. Then it gets dark";
    check_ok(
        take_spec_resolve(&r, &spread, words, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err);
    assert_string_equal(s.shot[1].prompt, "a red ball rolls, then it turns blue");
    assert_string_equal(s.shot[2].prompt, "a red ball rolls, at night, then it turns blue");
    assert_true(s.shot[1].shot_cfg == 0);          /* it is told */
    assert_true(s.shot[2].shot_cfg == s.shot_cfg); /* it is so */
    assert_string_equal(s.reworded, "\"orb\" as \"ball\"");
    take_spec_clear(&s);
    longtake_shot shots[2];
    for (int i = 0; i < 2; i++) {
        longtake_shot_init(&shots[i]);
        shots[i].at_frame = 10 * i;
        shots[i].prompt = "an orb";
    }
    longtake_request film = request_of(12);
    film.prompt = NULL;
    film.shots = shots;
    film.shot_count = 2;
    check_ok(
        take_spec_resolve(&film, &cfg, words, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err);
    assert_string_equal(s.shot[0].prompt, "a ball");
    assert_string_equal(s.shot[1].prompt, "a ball");
    assert_string_equal(s.reworded, "\"orb\" as \"ball\""); /* once */
    take_spec_clear(&s);

    /* The light goes on, but not in a prompt that is to stay as it is; so it does behind what a
     * reference shows. */
    shots[0].prompt = "an orb at night";
    check_ok(
        take_spec_resolve(&film, &cfg, words, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err);
    assert_string_equal(s.shot[1].prompt, "a ball, at night");
    check_ok(take_spec_go_on_from(&s, words, "a cube at noon", 8, &err), err);
    assert_int_equal(s.shots, 3);
    assert_string_equal(s.shot[1].prompt, "a ball at night");
    take_spec_clear(&s);
    shots[0].prompt = "an orb";
    check_ok(
        take_spec_resolve(&film, &cfg, words, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err);
    check_ok(take_spec_go_on_from(&s, words, "a cube at noon", 8, &err), err);
    assert_string_equal(s.shot[1].prompt, "a ball, at noon");
    assert_string_equal(s.shot[2].prompt, "a ball, at noon");
    take_spec_clear(&s);
    shots[0].prompt = "an orb at night";
    shots[1].as_one_text = 1;
    check_ok(
        take_spec_resolve(&film, &cfg, words, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err);
    assert_string_equal(s.shot[1].prompt, "a ball");
    take_spec_clear(&s);
    r.prompt = "a red ball rolls, then it turns blue. Then night falls";
    take_wording_close(words);

    check_ok(take_spec_resolve(&r, &cfg, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
             err);
    assert_int_equal(s.shots, 1); /* a model that takes a prompt as one text */
    assert_string_equal(s.shot[0].prompt, r.prompt);
    take_spec_clear(&s);

    r.settings.seconds = -1;
    r.settings.frames = 2; /* too short for three */
    check_ok(
        take_spec_resolve(&r, &spread, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err);
    assert_int_equal(s.shots, 1);
    take_spec_clear(&s);

    r = request_of(12);
    r.prompt = "a red ball, then \xff";
    check_failed(
        take_spec_resolve(&r, &spread, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err, LT_ERR_USAGE, "--prompt: byte 17");
}

static void spreads_the_events_of_a_shot_over_it(void **state)
{
    (void)state;
    cfg_model spread = cfg;
    spread.pipeline.events = CFG_EVENTS_SPREAD;
    spread.ar_model.segment_frames = 1;
    lt_error err = {0};
    take_wording *words;
    take_spec s;
    check_ok(take_wording_parse(
                 "> 2\nat noon\nat dusk\nat night = night falls\n\nred\nblue = it turns blue",
                 "list", &words, &err),
             err);
    longtake_shot film[3];
    for (int i = 0; i < 3; i++)
        longtake_shot_init(&film[i]);
    film[0].prompt = "a red ball at noon, then a star appears";
    film[1].prompt = "a red ball at noon, then night falls";
    film[1].at_frame = 16;
    film[1].seed = 5;
    film[1].motion = 2;
    film[1].shot_cfg = 3;
    film[1].plan = "ball.lt";
    film[1].plan_from_seconds = 1;
    film[2].prompt = "a red ball, then it turns blue";
    film[2].at_frame = 64;
    longtake_request r = request_of(12);
    r.prompt = NULL;
    r.shots = film;
    r.shot_count = 3;
    check_ok(
        take_spec_resolve(&r, &spread, words, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err);
    static const struct {
        int64_t at_frame;
        const char *prompt;
        bool is_event;
        double shot_cfg; /* -1: the take's */
    } wanted[] = {{0, "a red ball at noon", false, -1},
                  {8, "a red ball at noon, then a star appears", true, 0},
                  {16, "a red ball at noon", false, 3},
                  /* dusk for half of 24 frames, half over at frame 40 */
                  {34, "a red ball at dusk", true, 3},
                  {46, "a red ball at night", true, 3},
                  {64, "a red ball", false, -1},
                  {80, "a blue ball", true, -1}};
    assert_int_equal(s.shots, 7);
    for (int i = 0; i < 7; i++) {
        const bool second = i >= 2 && i <= 4;
        assert_int_equal(s.shot[i].at_frame, wanted[i].at_frame);
        assert_string_equal(s.shot[i].prompt, wanted[i].prompt);
        assert_int_equal(s.shot[i].is_event, wanted[i].is_event);
        assert_true(s.shot[i].shot_cfg ==
                    (wanted[i].shot_cfg < 0 ? s.shot_cfg : wanted[i].shot_cfg));
        assert_true(s.shot[i].motion == (second ? 2 : spread.pipeline.motion));
        assert_int_equal(s.shot[i].seed, second ? 5 : 42);
        assert_int_equal(s.shot[i].plan != NULL, i == 2); /* which reaches over its events */
    }
    take_spec_clear(&s);

    for (int i = 0; i < 3; i++)
        film[i].as_one_text = 1;
    check_ok(
        take_spec_resolve(&r, &spread, words, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err);
    assert_int_equal(s.shots, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(s.shot[i].prompt, film[i].prompt);
    take_spec_clear(&s);
    take_wording_close(words);

    film[1].as_one_text = 0; /* a message counts the shots that were given, not those that come of
                                them */
    film[1].prompt = "a red ball, then night falls";
    film[2].seed = 4294967296;
    check_failed(
        take_spec_resolve(&r, &spread, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
        err, LT_ERR_USAGE, "shot 2: seed");
}

static void refuses_shots_without_words_or_order(void **state)
{
    (void)state;
    longtake_shot shot[2] = {{.at_frame = 0,
                              .prompt = "a ball",
                              .motion = -1,
                              .seed = -1,
                              .lm_cfg = -1,
                              .shot_cfg = -1,
                              .cfg_scale = -1},
                             {.at_frame = 16,
                              .prompt = "a cube",
                              .motion = -1,
                              .seed = -1,
                              .lm_cfg = -1,
                              .shot_cfg = -1,
                              .cfg_scale = -1}};
    longtake_request r = request_of(4);
    r.shots = shot;
    r.shot_count = 2;
    check_refused(&r, "prompt and shots");
    r.prompt = NULL;
    lt_error err = {0};
    take_spec s;
    check_ok(take_spec_resolve(&r, &cfg, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &s, &err),
             err);
    take_spec_clear(&s);

    for (int i = 0; i < 2; i++) {
        const char *const words = shot[i].prompt;
        char place[48];
        snprintf(place, sizeof place, "shot %d: prompt: found none", i);
        shot[i].prompt = NULL;
        check_refused(&r, place);
        shot[i].prompt = " ";
        check_refused(&r, "found no words");
        shot[i].prompt = "\xff";
        check_refused(&r, "not UTF-8");
        shot[i].prompt = words;
    }
    shot[1].at_frame = 0;
    check_refused(&r, "a frame after the shot before");
    shot[1].at_frame = 32;
    check_refused(&r, "the take has 32");
    shot[1].at_frame = 16;
    shot[0].at_frame = 1;
    check_refused(&r, "expected 0");
    shot[0].at_frame = 0;
    shot[1].motion = INFINITY;
    check_refused(&r, "shot 1: motion: found inf, expected 0 to 10");
    shot[1].motion = -1;
    shot[1].shot_cfg = 101;
    check_refused(&r, "shot 1: shot_cfg: found 101, expected 0 to 100");
    shot[1].shot_cfg = -1;
    r.settings.motion = 11; /* what is left to the take is the take's error */
    check_refused(&r, "--motion: found 11");
    r.settings.motion = -1;
    shot[1].seed = 4294967296;
    check_refused(&r, "shot 1: seed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_as_usual),
        cmocka_unit_test(spreads_the_events_of_a_prompt),
        cmocka_unit_test(spreads_the_events_of_a_shot_over_it),
        cmocka_unit_test(events_that_take_their_time_are_half_way_when_due),
        cmocka_unit_test(refuses_shots_without_words_or_order),
    };
    return cmocka_run_group_tests_name("shots of a take", tests, open_config, NULL);
}
