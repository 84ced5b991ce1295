/* test_take_memory.c - how networks share a device: a window beside the next where it can be, in
 * turns where memory is short, and the same bytes either way. */
#include "pipeline/take_memory.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/measure/take_profile.h"
#include "tests/support/beside_takes.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

enum { EVERYTHING = TAKE_DOES_TOKENS | TAKE_DOES_REFINE | TAKE_DOES_DECODE | TAKE_DOES_KEEP };

static take_memory beside_choose(longtake *e, double seconds, const char *carry, unsigned does)
{
    longtake_request request;
    take_spec spec;
    take_memory found = {0};
    lt_error err = {0};
    longtake_request_init(&request);
    request.prompt = "a red ball";
    request.settings.seconds = seconds;
    request.settings.carry = carry;
    check_ok(take_spec_resolve(&request, &e->cfg, NULL, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0,
                               &spec, &err),
             err);
    const media_spec video = {
        .format = MEDIA_MP4, .width = spec.width, .height = spec.height, .scale = 1, .fps = 8};
    check_ok(take_memory_choose(e, &spec, does, &video, &found, &err), err);
    take_spec_clear(&spec);
    return found;
}

static void only_where_it_can(void **state)
{
    (void)state;
    longtake *e = beside_engine(AT_ONCE);
    const take_memory all = beside_choose(e, SECONDS, NULL, EVERYTHING);
    assert_int_equal(all.networks, TAKE_NETWORKS_AT_ONCE);
    /* one window */
    assert_int_equal(beside_choose(e, 1, NULL, EVERYTHING).networks, TAKE_NETWORKS_TOGETHER);
    assert_int_equal(beside_choose(e, SECONDS, "frames", EVERYTHING).networks,
                     TAKE_NETWORKS_TOGETHER);
    assert_int_equal(beside_choose(e, SECONDS, NULL, EVERYTHING | TAKE_DOES_PREVIEW).networks,
                     TAKE_NETWORKS_TOGETHER);
    assert_int_equal(
        beside_choose(e, SECONDS, NULL, EVERYTHING & ~(unsigned)TAKE_DOES_DECODE).networks,
        TAKE_NETWORKS_TOGETHER);
    e->max_memory = all.device_bytes - 1;
    const take_memory less = beside_choose(e, SECONDS, NULL, EVERYTHING);
    assert_int_equal(less.networks, TAKE_NETWORKS_TOGETHER);
    assert_true(less.device_bytes < all.device_bytes);
    e->max_memory = 0;
    e->threads = 1;
    assert_int_equal(beside_choose(e, SECONDS, NULL, EVERYTHING).networks, TAKE_NETWORKS_TOGETHER);
    e->threads = 0;
    lt_error err = {0};
    check_ok(take_profile_open(e, &err), err);
    assert_int_equal(beside_choose(e, SECONDS, NULL, EVERYTHING).networks, TAKE_NETWORKS_TOGETHER);
    longtake_close(e);
    e = beside_engine(ONE_AFTER_THE_OTHER);
    assert_int_equal(beside_choose(e, SECONDS, NULL, EVERYTHING).networks, TAKE_NETWORKS_TOGETHER);
    longtake_close(e);
}

static double foreseen(beside_way how)
{
    longtake_error error = {0};
    char *json = NULL;
    longtake *e = beside_engine(how);
    longtake_request request = beside_request(NULL);
    request.on_event = NULL;
    request.output = scratch_path("foreseen.mp4");
    if (longtake_plan(e, "generate", &request, &json, &error) != LONGTAKE_OK)
        fail_msg("plan: %s", error.message);
    longtake_close(e);
    assert_int_equal(strstr(json, "\"at once\"") != NULL, how == AT_ONCE);
    const char *time = strstr(json, "\"time_seconds\":");
    assert_non_null(time);
    const double seconds = strtod(time + strlen("\"time_seconds\":"), NULL);
    longtake_free(json);
    return seconds;
}

/* By what refining or decoding of all windows but one lasts, as each was measured in the takes
 * before. */
static void less_time_is_foreseen(void **state)
{
    (void)state;
    beside_make(AT_ONCE, "measured");
    const double at_once = foreseen(AT_ONCE);
    const double apart = foreseen(ONE_AFTER_THE_OTHER);
    assert_true(at_once > apart / 2 && at_once < apart);
}

/* A byte less than it takes is free: one after the other, and nothing is opened for it. */
static void not_where_memory_is_short(void **state)
{
    (void)state;
    longtake_error error = {0};
    beside_listener l = {.stop_frame = -1};
    longtake *e = beside_engine(AT_ONCE);
    beside_device.memory = (size_t)beside_choose(e, SECONDS, NULL, EVERYTHING).device_bytes - 1;
    if (beside_take(e, "short", false, &l, &error) != LONGTAKE_OK)
        fail_msg("short: %s", error.message);
    assert_int_equal(beside_device.opened, 0);
    longtake_close(e);
    beside_expect_same("short");
}

/* ---- networks in turns ---- */

/* The most memory with which that is the way. */
static longtake *open_in_turns(void)
{
    longtake *e = beside_engine(ONE_AFTER_THE_OTHER);
    take_memory found = beside_choose(e, SECONDS, NULL, EVERYTHING);
    while (found.networks != TAKE_NETWORKS_IN_TURNS) {
        e->max_memory = found.device_bytes - 1;
        found = beside_choose(e, SECONDS, NULL, EVERYTHING);
    }
    return e;
}

/* The video, and its frames by callback. */
static longtake_status show(longtake *e, const char *name, beside_listener *l,
                            longtake_error *error)
{
    char output[64];
    beside_begin_folder(name);
    snprintf(output, sizeof output, "%s.mp4", name);
    longtake_request request = beside_request(l);
    request.output = scratch_path(output);
    request.job = scratch_path(name);
    request.on_frame = beside_on_frame;
    return longtake_generate(e, &request, NULL, error);
}

/* All of them, whatever the job folder holds. */
static void frames_of_a_kept_folder(void **state)
{
    (void)state;
    lt_hash seen[2];
    for (int again = 0; again < 2; again++) {
        longtake_error error = {0};
        beside_listener l = {.stop_frame = -1};
        longtake *e = open_in_turns();
        if (show(e, "shown", &l, &error) != LONGTAKE_OK)
            fail_msg("shown: %s", error.message);
        longtake_close(e);
        assert_int_equal(l.frames, 8 * SECONDS);
        seen[again] = l.pictures;
        beside_expect_same("shown");
    }
    assert_memory_equal(&seen[0], &seen[1], sizeof seen[0]);
}

/* Where another process has taken what decoding goes on from, frames cannot be handed out. */
static int lose_states(void *user, const longtake_event *event)
{
    char file[512];
    if (event->kind == LONGTAKE_EVENT_WINDOW_DONE) {
        DIR *folder = opendir(scratch_path("lost"));
        assert_non_null(folder);
        for (const struct dirent *f = readdir(folder); f; f = readdir(folder)) {
            snprintf(file, sizeof file, "lost/%.250s", f->d_name);
            if (strncmp(f->d_name, "state.", 6) == 0)
                assert_int_equal(unlink(scratch_path(file)), 0);
        }
        closedir(folder);
    }
    return beside_on_event(user, event);
}

static void frames_that_cannot_be_decoded(void **state)
{
    (void)state;
    longtake_error error = {0};
    beside_listener l = {.stop_frame = -1};
    longtake_request request = beside_request(&l);
    beside_make(ONE_AFTER_THE_OTHER, "lost");
    longtake *e = open_in_turns();
    request.output = scratch_path("lost.mp4");
    request.job = scratch_path("lost");
    request.on_frame = beside_on_frame;
    request.on_event = lose_states;
    const longtake_status s = longtake_generate(e, &request, NULL, &error);
    longtake_close(e);
    if (s != LONGTAKE_ERR_FAILED ||
        !strstr(error.message, "the state before window 1 vanished from the job folder"))
        fail_msg("got %d '%s' after %lld frames, want %d", (int)s, error.message,
                 (long long)l.frames, LONGTAKE_ERR_FAILED);
}

static int setup(void **state)
{
    (void)state;
    beside_open();
#ifndef EMULATED_CARD
    beside_make(ONE_AFTER_THE_OTHER, "whole");
#endif
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_where_it_can),
        cmocka_unit_test(less_time_is_foreseen),
        cmocka_unit_test(not_where_memory_is_short),
        cmocka_unit_test(frames_of_a_kept_folder),
        cmocka_unit_test(frames_that_cannot_be_decoded),
    };
#ifdef EMULATED_CARD
    const size_t count = 1; /* each take lasts many seconds */
#else
    const size_t count = sizeof tests / sizeof *tests;
#endif
    return _cmocka_run_group_tests("how networks share a device", tests, count, setup,
                                   scratch_teardown);
}
