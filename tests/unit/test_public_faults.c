/* test_public_faults.c - requests that make no sense, through longtake.h: each is refused with a message, and the engine goes on. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "longtake.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_model.h"

static longtake *engine;

/* check_failed of the public interface. */
#define check_refused(status, error, want, part)                                                                        \
    do {                                                                                                                \
        const longtake_status got_ = (status);                                                                          \
        if (got_ != (want) || (error).code != (want) || !strstr((error).message, part))                                 \
            fail_msg("got %d (%d) '%s', want %d with '%s'", (int)got_, (int)(error).code, (error).message, (int)(want), part); \
    } while (0)

#define check_done(status, error)                                                   \
    do {                                                                            \
        if ((status) != LONGTAKE_OK)                                                \
            fail_msg("failed (%d): %s", (int)(error).code, (error).message);        \
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

typedef longtake_status (*command_fn)(longtake *e, const longtake_request *r, longtake_result *result, longtake_error *error);

static void write_tokens(const char *name)
{
    longtake_error error;
    longtake_request r = request_of("a red ball");
    r.output = scratch_path(name);
    check_done(longtake_make_tokens(engine, &r, NULL, &error), error);
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
    check_refused(longtake_tokens_write(uneven, scratch_path("uneven.npy"), &error), error, LONGTAKE_ERR_USAGE, "\nhint: .lt");
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
    check_refused(longtake_make_tokens(engine, &r, NULL, &error), error, LONGTAKE_ERR_USAGE, "\nhint: .lt");
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
        cmocka_unit_test(plans_that_numpy_cannot_hold),
        cmocka_unit_test(a_reader_has_gone),
    };
    return _cmocka_run_group_tests("faults of requests", tests, sizeof tests / sizeof *tests, setup, teardown);
}
