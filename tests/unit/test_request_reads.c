/* test_request_reads.c - what a command does not read of a request, longtake.h says, is passed
 * over: it is neither refused nor does it change a byte. */
#include <stdlib.h>

#include "longtake.h"
#include "pipeline/take_command.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_model.h"

static longtake *engine;

typedef longtake_status (*command_fn)(longtake *e, const longtake_request *r,
                                      longtake_result *result, longtake_error *error);

static const struct {
    const char *name;
    command_fn run;
    const char *input; /* NULL: none */
    const char *output;
} commands[] = {{"tokens", longtake_make_tokens, NULL, "made.lt"},
                {"generate", longtake_generate, NULL, "made.mp4"},
                {"encode", longtake_encode, "ball.mp4", "made.lt"},
                {"refine", longtake_refine, "ball.lt", "made.latents"},
                {"render", longtake_render, "ball.lt", "made.mp4"},
                {"decode", longtake_decode, "ball.latents", "made.mp4"},
                {"continue", longtake_continue, "ball.mp4", "made.mp4"}};

static int stop_frames(void *user, int64_t index, const uint8_t *rgb, int width, int height)
{
    (void)user, (void)index, (void)rgb, (void)width, (void)height;
    return 1;
}

/* Whatever it has no use for, of a kind that would be refused, or be another take. */
static void fill_unread(longtake_request *r, unsigned reads)
{
    static const longtake_shot shots[] = {{.at_frame = 5, .prompt = NULL}};
    static const longtake_retake retakes[] = {{.first = 99, .last = 98, .seed = -5}};
    longtake_settings bad = {.seed = -7,
                             .fps = 1e9,
                             .scale = 99,
                             .lm_cfg = 1e9,
                             .shot_cfg = 1e9,
                             .temperature = 1e9,
                             .top_k = 1 << 30,
                             .top_p = 77,
                             .motion = 1e9,
                             .lm_context = 1 << 20,
                             .steps = 1 << 20,
                             .cfg_scale = 1e9,
                             .cfg_schedule = "x",
                             .guidance = "x",
                             .speed = "x",
                             .codes = "x",
                             .overlap = 2,
                             .carry = "x"};
    take_settings_keep(&bad, ~reads);
    take_settings_fill(&bad, &r->settings);
    if (!(reads & TAKE_READS_PROMPT)) {
        r->shots = shots;
        r->shot_count = 1;
    }
    if (!(reads & TAKE_READS_LENGTH)) { /* of which one at most may be said */
        r->settings.seconds = 1;
        r->settings.frames = 1;
    }
    if (!(reads & TAKE_READS_IMAGE))
        r->image = "/nowhere.png";
    if (!(reads & TAKE_READS_FROM)) {
        r->from_seconds = 1e6;
        r->new_only = 1;
    }
    if (!(reads & (TAKE_READS_IMAGE | TAKE_READS_FROM)))
        r->reference_hash = "0";
    if (!(reads & TAKE_READS_CLIP))
        r->settings.fit = (longtake_fit)77;
    if (!(reads & TAKE_READS_REFINING)) {
        r->retakes = retakes;
        r->retake_count = 1;
    }
    if (!(reads & TAKE_READS_JOB))
        r->job = "/proc/nowhere";
    if (!(reads & TAKE_READS_FRAMES))
        r->on_frame = stop_frames;
}

static longtake_request request_of(const char *name, const char *input, const char *output)
{
    longtake_request r;
    longtake_request_init(&r);
    if (strcmp(name, "encode") != 0 && strcmp(name, "decode") != 0) {
        r.prompt = "a red ball";
        r.settings.frames = 25;
    }
    if (take_command_named(name)->reads & TAKE_READS_REFINING)
        r.settings.steps = 2;
    r.input = input ? scratch_path(input) : NULL;
    r.output = scratch_path(output);
    r.fresh = 1;
    return r;
}

static void make(command_fn run, const longtake_request *r)
{
    longtake_error error;
    if (run(engine, r, NULL, &error) != LONGTAKE_OK)
        fail_msg("%s: failed (%d): %s", r->output, (int)error.code, error.message);
}

static void is_passed_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t bytes = 0;
        size_t again = 0;
        longtake_request r = request_of(commands[i].name, commands[i].input, commands[i].output);
        make(commands[i].run, &r);
        char *plain = scratch_read(commands[i].output, &bytes);
        fill_unread(&r, take_command_named(commands[i].name)->reads);
        make(commands[i].run, &r);
        char *filled = scratch_read(commands[i].output, &again);
        if (bytes != again || memcmp(plain, filled, bytes) != 0)
            fail_msg("%s: what it does not read changes what it makes", commands[i].name);
        free(plain);
        free(filled);
    }
}

static void write_input(const char *output, command_fn run, const char *input, const char *name)
{
    const longtake_request r = request_of(name, input, output);
    make(run, &r);
}

static int setup(void **state)
{
    longtake_error error;
    longtake_options options;
    char root[128];
    scratch_setup(state);
    snprintf(root, sizeof root, "%s", scratch_path(""));
    tiny_model_write(TEST_SOURCE_DIR "/configs/tiny.yaml", LT_F32, scratch_path("tiny"));
    scratch_open_at(root); /* which the model had taken for itself */
    longtake_options_init(&options);
    options.model = scratch_path("tiny");
    if (longtake_open(&options, &engine, &error) != LONGTAKE_OK)
        fail_msg("%s", error.message);
    write_input("ball.lt", longtake_make_tokens, NULL, "tokens");
    write_input("ball.latents", longtake_refine, "ball.lt", "refine");
    write_input("ball.mp4", longtake_generate, NULL, "generate");
    return 0;
}

static int teardown(void **state)
{
    longtake_close(engine);
    return scratch_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_passed_over)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
