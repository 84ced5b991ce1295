/* test_engine.c - weight files that are replaced while an engine is open: what is made of them is
 * known by the weights that made it. */
#include <stdlib.h>
#include <unistd.h>

#include "longtake.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_model.h"

#define check_done(status, error)                                                                  \
    do {                                                                                           \
        if ((status) != LONGTAKE_OK)                                                               \
            fail_msg("failed (%d): %s", (int)(error).code, (error).message);                       \
    } while (0)

static longtake *open_engine(void)
{
    longtake_options options;
    longtake_error error = {0};
    longtake *e = NULL;
    longtake_options_init(&options);
    options.model = scratch_path("tiny");
    options.device = "cpu";
    options.precision = "f32";
    options.threads = 1;
    check_done(longtake_open(&options, &e, &error), error);
    return e;
}

/* Under another name first, as export and import do it. `negates` turns the second half of the
 * values around. */
static void replace(const char *file, bool negates)
{
    char name[64];
    char path[512];
    size_t bytes = 0;
    snprintf(name, sizeof name, "tiny/%s", file);
    char *all = scratch_read(name, &bytes);
    assert_non_null(all);
    for (size_t at = bytes; negates && at > bytes / 2 + 4; at -= 4)
        all[at - 1] = (char)(all[at - 1] ^ 0x80);
    scratch_write("tiny/new", all, bytes);
    snprintf(path, sizeof path, "%s", scratch_path(name));
    assert_int_equal(rename(scratch_path("tiny/new"), path), 0);
    free(all);
}

static void make_tokens(longtake *e, int64_t seed, const char *job, const char *output)
{
    longtake_request r;
    longtake_error error = {0};
    longtake_request_init(&r);
    r.prompt = "a red ball";
    r.settings.seconds = 2;
    r.settings.seed = seed;
    r.job = scratch_path(job);
    r.output = scratch_path(output);
    check_done(longtake_make_tokens(e, &r, NULL, &error), error);
}

/* Is the file what a new engine makes in a new folder? */
static void check_right(const char *file)
{
    size_t bytes = 0;
    size_t right_bytes = 0;
    longtake *e = open_engine();
    make_tokens(e, 2, "alone", "right.lt");
    longtake_close(e);
    char *made = scratch_read(file, &bytes);
    char *right = scratch_read("right.lt", &right_bytes);
    assert_non_null(made);
    assert_non_null(right);
    if (bytes != right_bytes || memcmp(made, right, bytes) != 0)
        fail_msg("%s is not what these weights make", file);
    free(made);
    free(right);
}

static void between_two_calls(void **state)
{
    (void)state;
    longtake *e = open_engine();
    make_tokens(e, 1, "shared", "first.lt");
    replace("ar_model.safetensors", true);
    make_tokens(e, 2, "shared", "second.lt");
    check_right("second.lt");
    replace("ar_model.safetensors", true); /* as it was */
    make_tokens(e, 2, "shared", "third.lt");
    check_right("third.lt");
    longtake_close(e);
    e = open_engine();
    make_tokens(e, 2, "shared", "fourth.lt");
    check_right("fourth.lt");
    longtake_close(e);
}

typedef struct {
    bool negates;
    bool done;
} replacing;

/* When refining begins, and the decoder's key is made. */
static int replace_decoder(void *user, const longtake_event *event)
{
    replacing *r = user;
    if (!r->done && event->kind == LONGTAKE_EVENT_STEP && strcmp(event->stage, "refine") == 0) {
        replace("temporal_vae.safetensors", r->negates);
        r->done = true;
    }
    return 0;
}

static longtake_status make_video(replacing *r, longtake_error *error)
{
    longtake *e = open_engine();
    longtake_request q;
    longtake_request_init(&q);
    q.prompt = "a red ball";
    q.settings.seconds = 1;
    q.settings.steps = 1;
    q.output = scratch_path("video.mp4");
    q.on_event = replace_decoder;
    q.user = r;
    const longtake_status s = longtake_generate(e, &q, NULL, error);
    longtake_close(e);
    assert_true(r->done);
    return s;
}

static void within_a_call(void **state)
{
    (void)state;
    longtake_error error = {0};
    check_done(make_video(&(replacing){.negates = false}, &error), error); /* it holds the same */
    assert_int_equal(unlink(scratch_path("video.mp4")), 0);
    assert_int_equal(make_video(&(replacing){.negates = true}, &error), LONGTAKE_ERR_INPUT);
    if (!strstr(error.message, "temporal_vae.safetensors: was replaced while it was used"))
        fail_msg("%s", error.message);
    assert_false(scratch_exists("video.mp4"));
}

static int setup(void **state)
{
    char root[128];
    const int failed = scratch_setup(state);
    snprintf(root, sizeof root, "%s", scratch_path("")); /* which the model takes for itself */
    tiny_model_write(TEST_SOURCE_DIR "/configs/tiny.yaml", LT_F32, scratch_path("tiny"));
    scratch_open_at(root);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_two_calls),
        cmocka_unit_test(within_a_call),
    };
    return cmocka_run_group_tests_name("weight files of an engine", tests, setup, scratch_teardown);
}
