/* test_public_faults.c - requests that make no sense, through longtake.h: each is refused with a
 * message, and the engine goes on. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernels/core/utf8.h"
#include "longtake.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_model.h"

static longtake *engine;

/* check_failed of the public interface. */
#define check_refused(status, error, want, part)                                                   \
    do {                                                                                           \
        const longtake_status got_ = (status);                                                     \
        if (got_ != (want) || (error).code != (want) || !strstr((error).message, part))            \
            fail_msg("got %d (%d) '%s', want %d with '%s'", (int)got_, (int)(error).code,          \
                     (error).message, (int)(want), part);                                          \
    } while (0)

#define check_done(status, error)                                                                  \
    do {                                                                                           \
        if ((status) != LONGTAKE_OK)                                                               \
            fail_msg("failed (%d): %s", (int)(error).code, (error).message);                       \
    } while (0)

static longtake_request request_of(const char *prompt)
{
    longtake_request r;
    longtake_request_init(&r);
    r.prompt = prompt;
    r.settings.seconds = 2;
    r.settings.steps = 2;
    return r;
}

typedef longtake_status (*command_fn)(longtake *e, const longtake_request *r,
                                      longtake_result *result, longtake_error *error);

/* ---- what is missing ---- */

static void no_input(void **state)
{
    (void)state;
    static const command_fn commands[] = {longtake_render, longtake_refine, longtake_decode,
                                          longtake_encode, longtake_continue};
    static const char *const planned[] = {"render", "refine", "continue"};
    longtake_error error;
    longtake_request r = request_of("a red ball");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        r.output = commands[i] == longtake_refine   ? scratch_path("x.latents")
                   : commands[i] == longtake_encode ? scratch_path("x.lt")
                                                    : scratch_path("x.mp4");
        check_refused(commands[i](engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                      "--input: found none, expected");
    }
    r.output = NULL;
    for (size_t i = 0; i < sizeof planned / sizeof *planned; i++) {
        char *json = NULL;
        check_refused(longtake_plan(engine, planned[i], &r, &json, &error), error,
                      LONGTAKE_ERR_USAGE, "--input: found none, expected");
        assert_null(json);
    }
    longtake_score score;
    check_refused(longtake_score_tokens(engine, &r, &score, &error), error, LONGTAKE_ERR_USAGE,
                  "--input: found none, expected a token file");
}

static void write_tokens(const char *name)
{
    longtake_error error;
    longtake_request r = request_of("a red ball");
    r.output = scratch_path(name);
    check_done(longtake_make_tokens(engine, &r, NULL, &error), error);
}

static void no_output(void **state)
{
    (void)state;
    longtake_error error;
    longtake_request r = request_of("a red ball");
    check_refused(longtake_make_tokens(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--output: found none");
    r.input = scratch_path("plan.lt");
    check_refused(longtake_refine(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--output: found none");
    r.job = scratch_path("no_output.job");
    check_refused(longtake_refine(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--output: found none");
    check_refused(longtake_encode(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--output: found none");
    assert_false(scratch_exists("no_output.job"));
    r.window_first = r.window_last = 0;
    check_done(longtake_refine(engine, &r, NULL, &error), error);
    assert_true(scratch_count("no_output.job") > 0);
}

/* counts the frames that it gets */
static int count_frame(void *user, int64_t index, const uint8_t *rgb, int width, int height)
{
    (void)index, (void)rgb, (void)width, (void)height;
    ++*(int *)user;
    return 0;
}

/* Frames that nobody gets are not made. */
static void no_taker(void **state)
{
    (void)state;
    static const command_fn commands[] = {longtake_generate, longtake_continue, longtake_render,
                                          longtake_decode};
    longtake_error error;
    longtake_request r = request_of("a red ball");
    r.input = scratch_path("plan.lt");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        check_refused(commands[i](engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                      "--output: found none, and nothing that takes frames, expected a file");
    r.job = scratch_path("no_taker.job");
    r.preview = scratch_path("no_taker.mp4"); /* neither is written by decoding */
    check_refused(longtake_decode(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--output: found none");
    assert_false(scratch_exists("no_taker.job"));
    r.preview = NULL;
    check_done(longtake_render(engine, &r, NULL, &error), error);
    assert_true(scratch_count("no_taker.job") > 0);
    r.job = NULL;
    r.preview = scratch_path("no_taker.mp4");
    check_done(longtake_render(engine, &r, NULL, &error), error);
    assert_true(scratch_exists("no_taker.mp4"));
    int frames = 0;
    r.preview = NULL;
    r.on_frame = count_frame;
    r.user = &frames;
    check_done(longtake_generate(engine, &r, NULL, &error), error);
    assert_int_equal(frames, 16);
}

static void null_arguments(void **state)
{
    (void)state;
    longtake_error error;
    longtake_request r = request_of("a red ball");
    longtake_tokens *tokens = NULL;
    longtake_recipe *recipe = NULL;
    longtake_film *film = NULL;
    longtake_features features = {0};
    char *text = NULL;
    int64_t first = 0;
    int64_t last = 0;
    const uint16_t code = 0;
#define check_null(name, call) check_refused(call, error, LONGTAKE_ERR_USAGE, name ": found NULL")
    check_null("path", longtake_tokens_read(engine, NULL, &tokens, &error));
    check_null("engine", longtake_tokens_read(NULL, "x.lt", &tokens, &error));
    check_null("codes", longtake_tokens_new(engine, NULL, 6, &tokens, &error));
    check_null("engine", longtake_tokens_new(NULL, &code, 1, &tokens, &error));
    check_null("tokens", longtake_tokens_write(NULL, scratch_path("x.lt"), &error));
    check_null("tokens", longtake_tokens_cut(NULL, 0, 1, &tokens, &error));
    check_null("tokens", longtake_tokens_recut(engine, NULL, 0, 1, &tokens, NULL, &error));
    check_null("a", longtake_tokens_join(NULL, NULL, &tokens, &error));
    check_null("path", longtake_recipe_read(NULL, &recipe, &error));
    check_null("recipe", longtake_recipe_apply(NULL, engine, &r, &error));
    check_null("path", longtake_film_read(NULL, &film, &error));
    check_null("film", longtake_film_apply(NULL, engine, &r, &error));
    check_null("path", longtake_info(NULL, &text, &error));
    check_null("path",
               longtake_features_of_video(engine, NULL, LONGTAKE_FIT_COVER, &features, &error));
    check_null("tokens", longtake_features_of_tokens(engine, NULL, &features, &error));
    check_null("path", longtake_check(engine, NULL, NULL, NULL, &error));
    check_null("stage", longtake_bench(engine, NULL, NULL, NULL, &error));
    check_null("fn", longtake_bench(engine, "vae_decode", NULL, NULL, &error));
    check_null("fn", longtake_profile(engine, NULL, NULL, &error));
    check_null("command", longtake_plan(engine, NULL, &r, &text, &error));
    check_null("prompts", longtake_plan_batch(engine, NULL, "folder", &r, &text, &error));
    check_null("request", longtake_plan_table(engine, "generate", NULL, &text, &error));
    check_null("prompts",
               longtake_generate_batch(engine, NULL, scratch_path(""), &r, NULL, NULL, &error));
    check_null("request", longtake_make_candidates(engine, NULL, 2, NULL, NULL, &error));
    check_null("request", longtake_generate(engine, NULL, NULL, &error));
    check_null("engine", longtake_generate(NULL, &r, NULL, &error));
    check_null("engine",
               longtake_windows_between(NULL, "generate", &r, 0, 1, &first, &last, &error));
    check_null("engine", longtake_print_config(NULL, &text, &error));
    check_null("engine", longtake_write_preview_map(NULL, &text, &error));
    check_null("request", longtake_import(NULL, &error));
    longtake *opened = NULL;
    check_null("options", longtake_open(NULL, &opened, &error));
    r.retake_count = 1;
    check_null("retakes", longtake_generate(engine, &r, NULL, &error));
    r.retake_count = 0;
    r.prompt = NULL;
    r.shot_count = 2;
    check_null("shots", longtake_generate(engine, &r, NULL, &error));
    assert_null(tokens);
    assert_null(recipe);
    assert_null(film);
    assert_null(text);
    /* nobody wants to know why */
    assert_int_equal(longtake_tokens_read(engine, NULL, &tokens, NULL), LONGTAKE_ERR_USAGE);
}

/* ---- what is out of range ---- */

static void values_out_of_range(void **state)
{
    (void)state;
    longtake_error error;
    longtake_features features;
    int64_t first = 0;
    int64_t last = 0;
    longtake_request r = request_of("a red ball");
    r.output = scratch_path("x.mp4");
    r.settings.fit = (longtake_fit)4;
    check_refused(longtake_generate(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--fit: found 4, expected 0 to 3");
    r.settings.fit = (longtake_fit)-1;
    check_refused(longtake_encode(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--fit: found -1");
    check_refused(longtake_features_of_video(engine, "x.mp4", (longtake_fit)77, &features, &error),
                  error, LONGTAKE_ERR_USAGE, "--fit: found 77");
    r = request_of("a red ball");
    r.output = scratch_path("x.mp4");
    r.max_seam = NAN;
    check_refused(longtake_generate(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--max-seam: found nan");
    r = request_of("a red ball");
    r.output = scratch_path("x.mp4");
    r.from_seconds = NAN;
    check_refused(longtake_continue(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--from: found nan");
    r = request_of("a red ball");
    check_refused(longtake_windows_between(engine, "generate", &r, NAN, 1, &first, &last, &error),
                  error, LONGTAKE_ERR_USAGE, "span: found nan");
    check_refused(longtake_windows_between(engine, "generate", &r, 0, NAN, &first, &last, &error),
                  error, LONGTAKE_ERR_USAGE, "span: found");
    assert_int_equal(first, -1);
    check_refused(
        longtake_windows_between(engine, "generate", &r, 0, INFINITY, &first, &last, &error), error,
        LONGTAKE_ERR_USAGE, "span: found 0 s to inf s");
    r.output = scratch_path("x.mp4");
    r.settings.seed = -3;
    check_refused(longtake_generate(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--seed: found -3");
    longtake_options options;
    longtake *opened = NULL;
    longtake_options_init(&options);
    options.model = scratch_path("tiny");
    options.max_memory = -1;
    check_refused(longtake_open(&options, &opened, &error), error, LONGTAKE_ERR_USAGE,
                  "--max-memory: found -1, expected 0 or more");
    options.max_memory = 0;
    options.threads = 1025;
    check_refused(longtake_open(&options, &opened, &error), error, LONGTAKE_ERR_USAGE,
                  "--threads: found 1025, expected 0 to 1024");
    assert_null(opened);
}

static void half_a_span_of_windows(void **state)
{
    (void)state;
    longtake_error error;
    longtake_request r = request_of("a red ball");
    r.job = scratch_path("half.job");
    r.window_first = 0;
    check_refused(longtake_generate(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--window: found windows 0 to -1");
    r.window_first = -1;
    r.window_last = 0;
    check_refused(longtake_generate(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--window: found windows -1 to 0");
    r.window_first = 0;
    r.window_last = -1;
    r.input = scratch_path("plan.lt");
    check_refused(longtake_render(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "--window: found render");
    assert_false(scratch_exists("half.job"));
}

static void plans_of_shots(void **state)
{
    (void)state;
    static const char *const missing[] = {"", "nowhere.lt", "nowhere.mp4"};
    longtake_error error;
    longtake_shot shot;
    longtake_shot_init(&shot);
    shot.prompt = "a red ball";
    longtake_request r = request_of(NULL);
    r.shots = &shot;
    r.shot_count = 1;
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        char *json = NULL;
        shot.plan = missing[i];
        check_refused(longtake_plan(engine, "generate", &r, &json, &error), error,
                      LONGTAKE_ERR_INPUT, "shot 0: plan: ");
    }
    char *json = NULL;
    shot.plan = scratch_path("plan.lt");
    check_done(longtake_plan(engine, "generate", &r, &json, &error), error);
    longtake_free(json);
}

/* ---- tokens ---- */

enum { FULL = 14, SHORT = 8 }; /* codes of a segment of five semantic frames, and of two */

static longtake_tokens *tokens_of(size_t count)
{
    const uint16_t codes[2 * FULL] = {1, 2, 3};
    longtake_error error;
    longtake_tokens *t = NULL;
    check_done(longtake_tokens_new(engine, codes, count, &t, &error), error);
    return t;
}

static void codes_that_are_no_plan(void **state)
{
    (void)state;
    longtake_error error;
    longtake_tokens *t = NULL;
    uint16_t codes[FULL] = {0};
    check_refused(longtake_tokens_new(engine, codes, 0, &t, &error), error, LONGTAKE_ERR_USAGE,
                  "found 0 codes");
    check_refused(longtake_tokens_new(engine, codes, 5, &t, &error), error, LONGTAKE_ERR_USAGE,
                  "5 tokens, expected");
    check_refused(longtake_tokens_new(engine, codes, SIZE_MAX, &t, &error), error,
                  LONGTAKE_ERR_USAGE, "codes, expected 1 to");
    codes[3] = 64;
    check_refused(longtake_tokens_new(engine, codes, FULL, &t, &error), error, LONGTAKE_ERR_USAGE,
                  "token 3 is 64");
    assert_null(t);
}

/* What a plan shows counts when it is cut and joined, not what its window has behind it. */
static void plans_that_end_before_their_codes(void **state)
{
    (void)state;
    longtake_error error;
    longtake_request r = request_of("a red ball");
    longtake_tokens *whole = NULL;
    longtake_tokens *head = NULL;
    longtake_tokens *tail = NULL;
    longtake_tokens *both = NULL;
    r.settings.seconds = LONGTAKE_UNSET;
    r.settings.frames = 7;
    r.output = scratch_path("seven.lt");
    check_done(longtake_make_tokens(engine, &r, NULL, &error), error);
    check_done(longtake_tokens_read(engine, r.output, &whole, &error), error);
    const int64_t all = longtake_tokens_semantic_frames(whole);
    assert_true(all > 3); /* 7 frames show three */
    assert_int_equal(longtake_tokens_frames(whole), 7);
    check_refused(longtake_tokens_recut(engine, whole, 2, 1, &tail, NULL, &error), error,
                  LONGTAKE_ERR_USAGE, "expected 1 or more from 0 to 1: the plan ends at ");
    check_done(longtake_tokens_cut(whole, 0, 3, &head, &error), error);
    assert_int_equal(longtake_tokens_frames(head), 7);
    assert_int_equal(longtake_tokens_semantic_frames(head), 3);
    check_done(longtake_tokens_recut(engine, whole, 1, all, &tail, NULL, &error), error);
    assert_int_equal(longtake_tokens_frames(tail), 3);
    check_done(longtake_tokens_join(head, whole, &both, &error), error);
    assert_int_equal(longtake_tokens_frames(both), 8 + 7);
    assert_int_equal(longtake_tokens_semantic_frames(both), 2 + all);
    longtake_tokens_close(whole);
    longtake_tokens_close(head);
    longtake_tokens_close(tail);
    longtake_tokens_close(both);
}

static void plans_that_numpy_cannot_hold(void **state)
{
    (void)state;
    longtake_error error;
    longtake_tokens *whole = tokens_of(FULL);
    longtake_tokens *part = tokens_of(SHORT);
    longtake_tokens *fine = NULL;
    longtake_tokens *uneven = NULL;
    longtake_tokens *again = NULL;
    longtake_tokens *rest = NULL;
    check_done(longtake_tokens_join(whole, part, &fine, &error), error);
    check_done(longtake_tokens_join(part, whole, &uneven, &error), error);
    check_done(longtake_tokens_write(fine, scratch_path("fine.npy"), &error), error);
    check_refused(longtake_tokens_write(uneven, scratch_path("uneven.npy"), &error), error,
                  LONGTAKE_ERR_USAGE, "\nhint: .lt");
    assert_false(scratch_exists("uneven.npy"));
    check_done(longtake_tokens_write(uneven, scratch_path("uneven.lt"), &error), error);
    check_done(longtake_tokens_read(engine, scratch_path("uneven.lt"), &again, &error), error);
    assert_int_equal(longtake_tokens_semantic_frames(again), 7);
    longtake_tokens_close(again);

    /* As the plan of a take. */
    longtake_request r = request_of("a red ball");
    r.settings.seconds = -1;
    r.tokens = uneven;
    r.output = scratch_path("taken.npy");
    check_refused(longtake_make_tokens(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE,
                  "\nhint: .lt");
    r.output = scratch_path("taken.lt");
    check_done(longtake_make_tokens(engine, &r, NULL, &error), error);
    check_done(longtake_tokens_read(engine, scratch_path("taken.lt"), &again, &error), error);
    check_done(longtake_tokens_cut(again, 2, 5, &rest, &error), error); /* where a segment begins */
    longtake_tokens_close(again);
    longtake_tokens_close(uneven);
    longtake_tokens_close(part);
    longtake_tokens_close(whole);
    longtake_tokens_close(fine);
    longtake_tokens_close(rest);
}

/* ---- messages ---- */

static void check_utf8(const char *text)
{
    const size_t bytes = strlen(text);
    for (size_t at = 0; at < bytes;) {
        const size_t length = lt_utf8_char(text + at, bytes - at, NULL);
        if (length == 0)
            fail_msg("byte %zu of '%s' is no UTF-8", at, text);
        at += length;
    }
}

static void messages_are_utf8(void **state)
{
    (void)state;
    longtake_error error;
    char *json = NULL;
    char path[4096] = "";
    check_refused(longtake_info("no\xff"
                                "where\xc3.mp4",
                                &json, &error),
                  error, LONGTAKE_ERR_INPUT, "no?where?.mp4");
    for (size_t shift = 0; shift < 4; shift++) { /* the end falls on every byte of a character */
        memset(path, 'x', shift);
        for (size_t at = shift; at < 2000; at += 4)
            memcpy(path + at, "\xf0\x9f\x94\xb4", 5);
        assert_int_equal(longtake_info(path, &json, &error), LONGTAKE_ERR_INPUT);
        check_utf8(error.message);
        assert_true(strlen(error.message) > sizeof error.message - 5);
        assert_null(strchr(error.message, '?'));
    }
}

static void success_fills_the_error(void **state)
{
    (void)state;
    longtake_error error = {LONGTAKE_ERR_FAILED, "as it was"};
    char *text = NULL;
    check_done(longtake_print_config(engine, &text, &error), error);
    assert_int_equal(error.code, LONGTAKE_OK);
    assert_string_equal(error.message, "");
    longtake_free(text);
}

/* ---- one request at a time ---- */

/* What asks for more while a request runs. */
typedef struct {
    int asked;
    longtake_error inside;
    longtake_error beside;
} intruder;

static void *ask_beside(void *argument)
{
    intruder *n = argument;
    longtake_request r = request_of("a blue ball");
    char *json = NULL;
    (void)longtake_plan(engine, "generate", &r, &json, &n->beside);
    longtake_free(json);
    return NULL;
}

static int ask_more(void *user, const longtake_event *event)
{
    intruder *n = user;
    pthread_t thread;
    if (event->kind != LONGTAKE_EVENT_STEP || n->asked++ > 0)
        return 0;
    longtake_request r = request_of("a blue ball");
    (void)longtake_generate(engine, &r, NULL, &n->inside);
    assert_true(longtake_fps(engine) > 0);
    assert_int_equal(pthread_create(&thread, NULL, ask_beside, n), 0);
    pthread_join(thread, NULL);
    return 0;
}

static void a_second_request(void **state)
{
    (void)state;
    longtake_error error;
    intruder n = {0};
    longtake_request r = request_of("a red ball");
    r.output = scratch_path("second.mp4");
    r.on_event = ask_more;
    r.user = &n;
    check_done(longtake_generate(engine, &r, NULL, &error), error);
    assert_true(n.asked > 0);
    check_refused(n.inside.code, n.inside, LONGTAKE_ERR_USAGE, "the engine is at work");
    check_refused(n.beside.code, n.beside, LONGTAKE_ERR_USAGE, "the engine is at work");
    n = (intruder){0};
    r.output = NULL;
    check_refused(longtake_make_candidates(engine, &r, 2, NULL, NULL, &error), error,
                  LONGTAKE_ERR_USAGE, "--candidates");
    r.output = scratch_path("several.lt");
    check_done(longtake_make_candidates(engine, &r, 2, NULL, NULL, &error), error);
    check_refused(n.inside.code, n.inside, LONGTAKE_ERR_USAGE, "the engine is at work");
}

/* ---- recipes ---- */

static void requests_of_one_recipe(void **state)
{
    (void)state;
    longtake_error error;
    longtake_recipe *recipe = NULL;
    longtake_request r = request_of("a red ball");
    longtake_request first;
    longtake_request second;
    r.output = scratch_path("whole.mp4");
    check_done(longtake_generate(engine, &r, NULL, &error), error);
    check_done(longtake_recipe_read(r.output, &recipe, &error), error);
    longtake_request_init(&first);
    longtake_request_init(&second);
    const longtake_retake retake = {.first = 0, .last = 0, .seed = 3};
    first.retakes = &retake;
    first.retake_count = 1;
    check_done(longtake_recipe_apply(recipe, engine, &first, &error), error);
    check_done(longtake_recipe_apply(recipe, engine, &second, &error), error);
    assert_ptr_not_equal(first.shots, second.shots);
    assert_ptr_not_equal(first.tokens, second.tokens);
    assert_string_equal(first.shots[0].prompt, "a red ball");
    first.output = scratch_path("first.mp4");
    second.output = scratch_path("second.mp4");
    check_done(longtake_generate(engine, &first, NULL, &error), error);
    check_done(longtake_generate(engine, &second, NULL, &error), error);
    longtake_recipe_close(recipe);
}

/* ---- readers that have gone ---- */

static void a_reader_has_gone(void **state)
{
    (void)state;
    static const char *const formats[] = {"mp4", "y4m"};
    longtake_error error[4];
    longtake_status status[4];
    int pipe_of[2];
    sigset_t pending;
    sigset_t before;
    sigset_t after;
    longtake_tokens *t = tokens_of(FULL);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
    fflush(stdout);
    const int own = dup(STDOUT_FILENO);
    assert_int_equal(pipe(pipe_of), 0);
    assert_true(own >= 0 && dup2(pipe_of[1], STDOUT_FILENO) == STDOUT_FILENO);
    close(pipe_of[0]);
    close(pipe_of[1]);
    longtake_request r = request_of("a red ball");
    r.output = "-";
    for (int i = 0; i < 2; i++) {
        r.format = formats[i];
        status[i] = longtake_generate(engine, &r, NULL, &error[i]);
    }
    status[2] = longtake_tokens_write(t, "-", &error[2]);
    r.format = NULL;
    r.input = scratch_path("plan.lt");
    status[3] = longtake_refine(engine, &r, NULL, &error[3]);
    fflush(stdout);
    assert_int_equal(dup2(own, STDOUT_FILENO), STDOUT_FILENO);
    close(own);
    for (int i = 0; i < 4; i++)
        if (status[i] == LONGTAKE_OK || !strstr(error[i].message, strerror(EPIPE)))
            fail_msg("%d: got %d '%s'", i, (int)status[i], error[i].message);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    assert_int_equal(sigismember(&after, SIGPIPE), sigismember(&before, SIGPIPE));
    longtake_tokens_close(t);
}

/* ---- */

static int setup(void **state)
{
    (void)state;
    char root[128];
    longtake_error error;
    longtake_options options;
    (void)signal(SIGPIPE, SIG_DFL);
    scratch_open();
    snprintf(root, sizeof root, "%s", scratch_path(""));
    tiny_model_write(TEST_SOURCE_DIR "/configs/tiny.yaml", LT_F32, scratch_path("tiny"));
    scratch_open_at(root); /* which the model had taken for itself */
    longtake_options_init(&options);
    options.model = scratch_path("tiny");
    options.threads = 2;
    options.profile = 1;
    check_done(longtake_open(&options, &engine, &error), error);
    write_tokens("plan.lt");
    return 0;
}

static int teardown(void **state)
{
    longtake_close(engine);
    return scratch_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_input),
        cmocka_unit_test(no_output),
        cmocka_unit_test(no_taker),
        cmocka_unit_test(null_arguments),
        cmocka_unit_test(values_out_of_range),
        cmocka_unit_test(half_a_span_of_windows),
        cmocka_unit_test(plans_of_shots),
        cmocka_unit_test(codes_that_are_no_plan),
        cmocka_unit_test(plans_that_end_before_their_codes),
        cmocka_unit_test(plans_that_numpy_cannot_hold),
        cmocka_unit_test(messages_are_utf8),
        cmocka_unit_test(success_fills_the_error),
        cmocka_unit_test(a_second_request),
        cmocka_unit_test(requests_of_one_recipe),
        cmocka_unit_test(a_reader_has_gone),
    };
    return _cmocka_run_group_tests("faults of requests", tests, sizeof tests / sizeof *tests, setup,
                                   teardown);
}
