/* test_take_beside.c - windows that are decoded while the next ones are refined: the bytes of one
 * after the other, however a take is stopped. */
#include "pipeline/take_beside.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/beside_takes.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

static void the_same_bytes(void **state)
{
    (void)state;
    beside_make(AT_ONCE, "beside");
    beside_expect_same("beside");
}

/* The second queue is opened once. */
static void takes_of_one_engine(void **state)
{
    (void)state;
    longtake *e = beside_engine(AT_ONCE);
    beside_make_with(e, "one");
    beside_make_with(e, "another");
    assert_int_equal(beside_device.opened, 1);
    longtake_close(e);
    beside_expect_same("one");
    beside_expect_same("another");
}

/* To `file` as standard output, which has no job folder. */
static longtake_status stream_into(longtake *e, int file, beside_listener *l, longtake_error *error)
{
    longtake_request request = beside_request(l);
    request.output = "-";
    request.format = "mp4";
    fflush(stdout);
    const int own = dup(STDOUT_FILENO);
    assert_true(own >= 0 && dup2(file, STDOUT_FILENO) == STDOUT_FILENO);
    const longtake_status s = longtake_generate(e, &request, NULL, error);
    assert_true(dup2(own, STDOUT_FILENO) == STDOUT_FILENO);
    close(own);
    return s;
}

static void stream(beside_way how, const char *name, beside_listener *l, longtake_status status)
{
    longtake_error error = {0};
    longtake *e = beside_engine(how);
    const int file = open(scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(file >= 0);
    const longtake_status s = stream_into(e, file, l, &error);
    close(file);
    longtake_close(e);
    if (s != status)
        fail_msg("%s: got %d '%s', want %d", name, (int)s, error.message, (int)status);
    assert_int_equal(beside_device.opened, how == AT_ONCE);
    assert_false(l->collided || l->mixed);
}

static void a_stream(void **state)
{
    (void)state;
    beside_listener l = {.stop_frame = -1};
    beside_listener at_once = {.stop_frame = -1};
    stream(ONE_AFTER_THE_OTHER, "streamed", &l, LONGTAKE_OK);
    stream(AT_ONCE, "streamed-at-once", &at_once, LONGTAKE_OK);
    beside_expect_same_file("streamed-at-once", "streamed");
}

/* The clip is encoded with the second queue before its thread begins. */
static void go_on_from_clip(beside_way how, const longtake_retake *again, const char *output)
{
    longtake_error error = {0};
    beside_listener l = {.stop_frame = -1};
    longtake *e = beside_engine(how);
    longtake_request request = beside_request(&l);
    request.input = scratch_path("whole.mp4");
    request.retakes = again;
    request.retake_count = again != NULL;
    request.settings.seconds = 3;
    request.output = scratch_path(output);
    if (longtake_continue(e, &request, NULL, &error) != LONGTAKE_OK)
        fail_msg("%s: %s", output, error.message);
    assert_int_equal(beside_device.opened, how == AT_ONCE);
    assert_false(l.collided || l.mixed);
    longtake_close(e);
}

static void a_clip_goes_on(void **state)
{
    (void)state;
    go_on_from_clip(ONE_AFTER_THE_OTHER, NULL, "longer.mp4");
    go_on_from_clip(AT_ONCE, NULL, "longer-at-once.mp4");
    beside_expect_same_file("longer-at-once.mp4", "longer.mp4");
}

/* Its first window under the seed that it has anyway: it begins with
 * the same frames of the clip. */
static void a_clip_goes_on_again(void **state)
{
    (void)state;
    static const longtake_retake first = {.seed = 7};
    static const longtake_retake kept = {.seed = 7, .keep_rest = 1};
    go_on_from_clip(ONE_AFTER_THE_OTHER, NULL, "longer.y4m");
    go_on_from_clip(ONE_AFTER_THE_OTHER, &first, "longer-first.y4m");
    go_on_from_clip(ONE_AFTER_THE_OTHER, &kept, "longer-kept.y4m");
    go_on_from_clip(AT_ONCE, &first, "longer-first-at-once.y4m");
    beside_expect_same_file("longer-first.y4m", "longer.y4m");
    beside_expect_same_file("longer-kept.y4m", "longer.y4m");
    beside_expect_same_file("longer-first-at-once.y4m", "longer.y4m");
}

/* One thread refines and another one decodes, and the user is called by one at a time. */
static void frames_in_order(void **state)
{
    (void)state;
    lt_hash seen[2];
    for (int how = ONE_AFTER_THE_OTHER; how <= AT_ONCE; how++) {
        longtake_error error = {0};
        beside_listener l = {.stop_frame = -1};
        longtake *e = beside_engine((beside_way)how);
        beside_device.refines_slowly = true;
        if (beside_take(e, how == AT_ONCE ? "frames-at-once" : "frames", true, &l, &error) !=
            LONGTAKE_OK)
            fail_msg("frames: %s", error.message);
        assert_false(l.collided);
        assert_int_equal(pthread_equal(l.refines, l.decodes) != 0, how == ONE_AFTER_THE_OTHER);
        assert_int_equal(l.frames, 8 * SECONDS);
        seen[how] = l.pictures;
        beside_device.refines_slowly = false;
        longtake_close(e);
    }
    assert_memory_equal(&seen[0], &seen[1], sizeof seen[0]);
}

/* The error is that of the side which hears of it first. */
static void stopped_goes_on(const char *name, beside_listener *l, bool shows, const char *one,
                            const char *other)
{
    char output[64];
    longtake_error error = {0};
    longtake *e = beside_engine(AT_ONCE);
    const longtake_status s = beside_take(e, name, shows, l, &error);
    longtake_close(e);
    if (s != LONGTAKE_ERR_CANCELLED ||
        !(strstr(error.message, one) || strstr(error.message, other)))
        fail_msg("%s: got %d '%s', want %d '%s' or '%s'", name, (int)s, error.message,
                 LONGTAKE_ERR_CANCELLED, one, other);
    snprintf(output, sizeof output, "%s.mp4", name);
    assert_false(scratch_exists(output));
    assert_false(l->collided);
    beside_make(AT_ONCE, name);
    beside_expect_same(name);
}

static void stopped_while_refining(void **state)
{
    (void)state;
    beside_listener refines = {
        .stop_stage = "refine", .stop_window = 1, .stop_step = 1, .stop_frame = -1};
    stopped_goes_on("stopped-refining", &refines, false, "cancelled after step 1 of",
                    "stopped as asked");
}

static void stopped_while_decoding(void **state)
{
    (void)state;
    beside_listener decodes = {
        .stop_stage = "decode", .stop_window = 1, .stop_step = 1, .stop_frame = -1};
    beside_listener shows = {.stop_frame = 20};
    static const char refining[] = "cancelled after step";
    stopped_goes_on("stopped-decoding", &decodes, false, "stopped as asked", refining);
    stopped_goes_on("stopped-frame", &shows, true, "stopped by the frame callback at frame 20",
                    refining);
}

/* Stopped while window 0 is decoded: it is in the growing file and in the stream, as where it was
 * written long before. */
static void a_whole_window_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        beside_way how;
        bool decodes_slowly;
        const char *stage;
        int64_t window;
    } stops[] = {{"written-before", ONE_AFTER_THE_OTHER, false, "refine", 1},
                 {"written-decoding", ONE_AFTER_THE_OTHER, false, "decode", 0},
                 {"written-beside", AT_ONCE, false, "decode", 0},
                 {"written-refining", AT_ONCE, true, "refine", 1}};
    char part[64];
    char streamed[64];
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        const beside_listener stop = {.stop_stage = stops[i].stage,
                                      .stop_window = stops[i].window,
                                      .stop_step = 1,
                                      .stop_frame = -1};
        beside_listener l = stop;
        longtake_error error = {0};
        beside_device.decodes_slowly = stops[i].decodes_slowly;
        longtake *e = beside_engine(stops[i].how);
        const longtake_status s = beside_take(e, stops[i].name, false, &l, &error);
        longtake_close(e);
        if (s != LONGTAKE_ERR_CANCELLED)
            fail_msg("%s: got %d '%s', want %d", stops[i].name, (int)s, error.message,
                     LONGTAKE_ERR_CANCELLED);
        snprintf(part, sizeof part, "%s.part.mp4", stops[i].name);
        beside_expect_same_file(part, "written-before.part.mp4");
        l = stop;
        snprintf(streamed, sizeof streamed, "%s-stream", stops[i].name);
        stream(stops[i].how, streamed, &l, LONGTAKE_ERR_CANCELLED);
        beside_device.decodes_slowly = false;
        beside_expect_same_file(streamed, "written-before-stream");
    }
    size_t bytes = 0;
    free(scratch_read("written-before-stream", &bytes));
    assert_true(bytes > 0);
}

/* Whoever stops a take often stops its reader too: that is no error of its own. */
static void a_reader_is_stopped_too(void **state)
{
    (void)state;
    for (int how = ONE_AFTER_THE_OTHER; how <= AT_ONCE; how++) {
        longtake_error error = {0};
        beside_listener l = {.stop_stage = "decode", .stop_step = 1, .stop_frame = -1};
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        close(ends[0]);
        void (*before)(int) = signal(SIGPIPE, SIG_IGN);
        longtake *e = beside_engine((beside_way)how);
        const longtake_status s = stream_into(e, ends[1], &l, &error);
        longtake_close(e);
        (void)signal(SIGPIPE, before);
        close(ends[1]);
        if (s != LONGTAKE_ERR_CANCELLED || !(strstr(error.message, "stopped as asked") ||
                                             strstr(error.message, "cancelled after step")))
            fail_msg("got %d '%s', want %d 'stopped as asked' or 'cancelled after step'", (int)s,
                     error.message, LONGTAKE_ERR_CANCELLED);
    }
}

static void killed_anywhere(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *stage;
        int64_t window;
        int64_t step;
    } places[] = {{"killed-early", "refine", 1, 1},
                  {"killed-late", "refine", 2, 4},
                  {"killed-decoding", "decode", 0, 1}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            longtake_error error = {0};
            beside_listener l = {.stop_stage = places[i].stage,
                                 .stop_window = places[i].window,
                                 .stop_step = places[i].step,
                                 .stop_frame = -1,
                                 .dies = true};
            (void)beside_take(beside_engine(AT_ONCE), places[i].name, false, &l, &error);
            _exit(0);
        }
        int how = 0;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        beside_make(AT_ONCE, places[i].name);
        beside_expect_same(places[i].name);
    }
}

/* The latents of window 2 are there, the video of window 1 is not, as a run leaves them that is
 * killed in between. */
static void a_window_is_ahead(void **state)
{
    (void)state;
    beside_make(AT_ONCE, "ahead");
    static const char *const lost[] = {"video.001.", "video.002.", "state.001.", "state.002."};
    int removed = 0;
    DIR *folder = opendir(scratch_path("ahead"));
    assert_non_null(folder);
    for (const struct dirent *f = readdir(folder); f; f = readdir(folder))
        for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
            if (strncmp(f->d_name, lost[i], strlen(lost[i])) == 0)
                removed += unlinkat(dirfd(folder), f->d_name, 0) == 0;
    closedir(folder);
    assert_true(removed >= 3);
    beside_make(AT_ONCE, "ahead");
    beside_expect_same("ahead");
}

static void either_side_fails(void **state)
{
    (void)state;
    static const struct {
        beside_fault fails;
        const char *name;
        longtake_status status;
        const char *message;
        const char *other; /* where it may come first */
    } faults[] = {
        {NO_PICTURES, "no-pictures", LONGTAKE_ERR_DEVICE, "test: no pictures", ""},
        {NO_NOISE, "no-noise", LONGTAKE_ERR_DEVICE, "test: no noise", ""},
        {NEITHER, "neither", LONGTAKE_ERR_DEVICE, "test: no pictures", "test: no noise"},
        {NO_SECOND, "no-second", LONGTAKE_ERR_DEVICE_MEMORY, "test: no second queue", ""}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char output[64];
        longtake_error error = {0};
        beside_listener l = {.stop_frame = -1};
        longtake *e = beside_engine(AT_ONCE);
        beside_device.fails = faults[i].fails;
        const longtake_status s = beside_take(e, faults[i].name, false, &l, &error);
        beside_device.fails = WORKS;
        longtake_close(e);
        const bool known = strcmp(error.message, faults[i].message) == 0 ||
                           strcmp(error.message, faults[i].other) == 0;
        if (s != faults[i].status || !known)
            fail_msg("%s: got %d '%s'", faults[i].name, (int)s, error.message);
        snprintf(output, sizeof output, "%s.mp4", faults[i].name);
        assert_false(scratch_exists(output));
        beside_make(AT_ONCE, faults[i].name);
        beside_expect_same(faults[i].name);
    }
}

/* Another process makes window 1, and lets go of it ten seconds after decoding has failed or the
 * take was asked to stop. */
typedef struct {
    int lock;
    pthread_t thread;
    atomic_bool over; /* the take */
    bool let_go;
} other_process;

static void *hold_window(void *argument)
{
    other_process *o = argument;
    while (beside_device.pictures < 2 && !beside_device.stopped && !o->over)
        usleep(10000);
    for (int i = 0; i < 1000 && !o->over; i++)
        usleep(10000);
    o->let_go = !o->over;
    close(o->lock);
    return NULL;
}

static void waiting_for_another_process(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        beside_fault fails;
        const char *stop_stage;
        longtake_status status;
        const char *message;
        const char *other;
    } ends[] = {{"waits-failed", NO_PICTURES, NULL, LONGTAKE_ERR_DEVICE, "test: no pictures",
                 "test: no pictures"},
                {"waits-stopped", WORKS, "decode", LONGTAKE_ERR_CANCELLED, "stopped as asked",
                 "stopped while another process made it"}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char file[64];
        longtake_error error = {0};
        beside_listener l = {.stop_stage = ends[i].stop_stage, .stop_step = 1, .stop_frame = -1};
        other_process o = {0};
        beside_begin_folder(ends[i].name);
        snprintf(file, sizeof file, "%s/latents.001.lock", ends[i].name);
        o.lock = open(scratch_path(file), O_RDWR | O_CREAT, 0666);
        assert_true(o.lock >= 0 && flock(o.lock, LOCK_EX) == 0);
        longtake *e = beside_engine(AT_ONCE);
        beside_device.fails = ends[i].fails;
        assert_int_equal(pthread_create(&o.thread, NULL, hold_window, &o), 0);
        const longtake_status s = beside_take(e, ends[i].name, false, &l, &error);
        o.over = true;
        assert_int_equal(pthread_join(o.thread, NULL), 0);
        beside_device.fails = WORKS;
        longtake_close(e);
        if (s != ends[i].status ||
            !(strstr(error.message, ends[i].message) || strstr(error.message, ends[i].other)))
            fail_msg("%s: got %d '%s', want %d '%s'", ends[i].name, (int)s, error.message,
                     (int)ends[i].status, ends[i].message);
        if (o.let_go)
            fail_msg("%s: waited until the other process was done", ends[i].name);
    }
}

/* ---- the two threads alone ---- */

static lt_status work_fails(void *clock, int64_t c, const float *latents, lt_error *err)
{
    (void)clock;
    (void)latents;
    return lt_fail(err, LT_ERR_DEVICE, "test: window %lld", (long long)c);
}

/* Works until it is stopped, but no longer than ten seconds. */
static lt_status work_lasts(void *clock, int64_t c, const float *latents, lt_error *err)
{
    (void)c;
    (void)latents;
    for (int i = 0; i < 1000; i++) {
        LT_TRY(take_clock_check(clock, err));
        usleep(10000);
    }
    return LT_OK;
}

typedef struct {
    longtake *engine;
    take_clock clock;
    take_beside beside;
} two_threads;

static const float latents[4];

/* The second one works on window 0. */
static void begin_two(two_threads *t, take_beside_work work)
{
    lt_error err = {0};
    *t = (two_threads){.engine = beside_engine(AT_ONCE)};
    take_clock_open(&t->clock, t->engine, NULL, NULL);
    check_ok(take_beside_open(&t->beside, &t->clock, sizeof latents, work, &t->clock, &err), err);
    check_ok(take_beside_give(&t->beside, 0, latents, &err), err);
}

static void decoding_stops_refining(void **state)
{
    (void)state;
    two_threads t;
    lt_error err = {0};
    lt_error stopped = {0};
    begin_two(&t, work_fails);
    check_failed(take_beside_give(&t.beside, 1, latents, &err), err, LT_ERR_DEVICE,
                 "test: window 0");
    check_failed(take_clock_check(&t.clock, &stopped), stopped, LT_ERR_CANCELLED,
                 "another stage has failed");
    check_failed(take_beside_close(&t.beside, LT_ERR_CANCELLED, &stopped), stopped, LT_ERR_DEVICE,
                 "test: window 0");
    longtake_close(t.engine);
}

static void refining_stops_decoding(void **state)
{
    (void)state;
    two_threads t;
    lt_error err = {0};
    begin_two(&t, work_lasts);
    const lt_status refined = lt_fail(&err, LT_ERR_DEVICE, "test: refining");
    check_failed(take_beside_close(&t.beside, refined, &err), err, LT_ERR_DEVICE, "test: refining");
    assert_int_equal(t.beside.status, LT_ERR_CANCELLED);
    longtake_close(t.engine);
}

static int setup(void **state)
{
    (void)state;
    beside_open();
    beside_make(ONE_AFTER_THE_OTHER, "whole");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bytes),
        cmocka_unit_test(stopped_while_refining),
        cmocka_unit_test(stopped_while_decoding),
        cmocka_unit_test(takes_of_one_engine),
        cmocka_unit_test(a_stream),
        cmocka_unit_test(a_clip_goes_on),
        cmocka_unit_test(a_clip_goes_on_again),
        cmocka_unit_test(frames_in_order),
        cmocka_unit_test(decoding_stops_refining),
        cmocka_unit_test(refining_stops_decoding),
        cmocka_unit_test(a_whole_window_is_written),
        cmocka_unit_test(a_reader_is_stopped_too),
        cmocka_unit_test(killed_anywhere),
        cmocka_unit_test(a_window_is_ahead),
        cmocka_unit_test(either_side_fails),
        cmocka_unit_test(waiting_for_another_process),
    };
#ifdef EMULATED_CARD
    const size_t count = 2; /* each take lasts many seconds */
#else
    const size_t count = sizeof tests / sizeof *tests;
#endif
    return _cmocka_run_group_tests("a window beside the next", tests, count, setup,
                                   scratch_teardown);
}
