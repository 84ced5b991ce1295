/* test_take_beside.c - windows that are decoded while the next ones are refined: the bytes of one
 * after the other, however a take is stopped. On the processor, opened twice as if it were a device
 * of its own; with EMULATED_CARD on kernels/cuda for the host. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/core/hash.h"
#include "pipeline/measure/take_profile.h"
#include "pipeline/take_beside.h"
#include "pipeline/take_memory.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_model.h"

#ifdef EMULATED_CARD /* which takes seconds for one window */
enum { SECONDS = 3, WINDOWS = 2, STEPS = 2 };
#else
enum { SECONDS = 4, WINDOWS = 3, STEPS = 4 };
#endif

/* ---- a device that can be opened twice, or fails ---- */

typedef enum { WORKS, NO_PICTURES, NO_NOISE, NEITHER, NO_SECOND } fault;

static struct {
    lt_backend_table first;  /* of the engine's backend, */
    lt_backend_table second; /* and of the one beside it */
    lt_status (*to_rgb8)(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);
    lt_status (*normal)(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err);
    size_t memory;
    int opened;
    bool refines_slowly; /* longer than a window is decoded */
    bool decodes_slowly; /* until the take was asked to stop, but no longer than ten seconds */
    atomic_bool stopped; /* it was */
    fault fails;
    atomic_int pictures; /* calls of what fails */
    atomic_int noise;
} device;

static lt_status open_backend(lt_backend **out, lt_error *err)
{
#ifdef EMULATED_CARD
    enum { LATE_CARD = 2 }; /* all of its streams run as late as events allow */
    return lt_cuda_open(out, LATE_CARD, LT_BF16, err);
#else
    return lt_cpu_open(out, 2, LT_F32, err);
#endif
}

static size_t memory_free(lt_backend *b)
{
    (void)b;
    return device.memory;
}

static lt_status to_rgb8(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    const bool fails = device.fails == NO_PICTURES || device.fails == NEITHER;
    if (fails && !b->counts_only && device.pictures++ > 0)
        return lt_fail(err, LT_ERR_DEVICE, "test: no pictures");
    for (int i = 0; device.decodes_slowly && !device.stopped && i < 1000; i++)
        usleep(10000);
    return device.to_rgb8(b, out, x, err);
}

static lt_status normal(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err)
{
    const bool fails = device.fails == NO_NOISE || device.fails == NEITHER;
    if (fails && ++device.noise > STEPS + 1)
        return lt_fail(err, LT_ERR_DEVICE, "test: no noise");
    if (device.refines_slowly)
        usleep(20000);
    return device.normal(b, out, draw, first, err);
}

static lt_status again(lt_backend *b, lt_backend **out, lt_error *err)
{
    (void)b;
    if (device.fails == NO_SECOND)
        return lt_fail(err, LT_ERR_DEVICE_MEMORY, "test: no second queue");
    LT_TRY(open_backend(out, err));
    device.second = *(*out)->table;
    device.to_rgb8 = device.second.to_rgb8;
    device.second.to_rgb8 = to_rgb8;
    (*out)->table = &device.second;
    device.opened++;
    return LT_OK;
}

typedef enum { ONE_AFTER_THE_OTHER, AT_ONCE } way;

/* The tiny model on a device that can be opened twice or not. */
static longtake *open_engine(way how)
{
    longtake_options options;
    longtake_error error = {0};
    longtake *e = NULL;
    lt_error err = {0};
    longtake_options_init(&options);
    options.model = scratch_path("tiny");
    options.device = "reference";
    options.cache_dir = scratch_path("cache");
    if (longtake_open(&options, &e, &error) != LONGTAKE_OK)
        fail_msg("engine: %s", error.message);
    e->backend->table->close(e->backend);
    check_ok(open_backend(&e->backend, &err), err);
    device.first = *e->backend->table;
    device.first.memory_free = memory_free;
    device.first.again = how == AT_ONCE ? again : NULL;
    device.normal = device.first.normal;
    device.first.normal = normal;
    device.memory = (size_t)1 << 40;
    device.opened = 0;
    device.pictures = 0;
    device.noise = 0;
    device.stopped = false;
    e->backend->table = &device.first;
    return e;
}

/* ---- takes ---- */

/* What the user saw, and does. */
typedef struct {
    atomic_int inside; /* callbacks that run */
    bool collided;
    bool mixed;      /* a stage was told with the steps or the order of another */
    int64_t refined; /* window of its last event */
    int64_t decoded;
    pthread_t refines;
    pthread_t decodes;
    int64_t frames;
    lt_hash pictures;
    const char *stop_stage; /* at this step the take is stopped, or NULL */
    int64_t stop_window;
    int64_t stop_step;
    int64_t stop_frame; /* or -1 */
    bool dies;          /* it is killed instead */
} listener;

/* A stage's events have its own number of steps, and windows that never go back. */
static void hear(listener *l, const longtake_event *event, pthread_t *thread, int64_t *window,
                 int64_t steps)
{
    l->mixed |= event->steps != steps || event->step > steps || event->window < *window;
    *window = event->window;
    *thread = pthread_self();
}

static int on_event(void *user, const longtake_event *event)
{
    listener *l = user;
    l->collided |= atomic_fetch_add(&l->inside, 1) != 0;
    if (event->stage && strcmp(event->stage, "refine") == 0)
        hear(l, event, &l->refines, &l->refined, STEPS);
    if (event->stage && strcmp(event->stage, "decode") == 0)
        hear(l, event, &l->decodes, &l->decoded, 1);
    const bool stops = l->stop_stage && event->kind == LONGTAKE_EVENT_STEP &&
                       strcmp(event->stage, l->stop_stage) == 0 &&
                       event->window == l->stop_window && event->step == l->stop_step;
    if (stops && l->dies)
        (void)raise(SIGKILL);
    device.stopped = device.stopped || stops;
    atomic_fetch_sub(&l->inside, 1);
    return stops;
}

static int on_frame(void *user, int64_t index, const uint8_t *rgb, int width, int height)
{
    listener *l = user;
    l->collided |= atomic_fetch_add(&l->inside, 1) != 0;
    assert_int_equal(index, l->frames);
    const lt_hash both[2] = {l->pictures, lt_hash_bytes(rgb, (size_t)width * (size_t)height * 3)};
    l->pictures = lt_hash_bytes(both, sizeof both);
    l->frames++;
    usleep(1000); /* of refining, meanwhile, nothing is told */
    atomic_fetch_sub(&l->inside, 1);
    return index == l->stop_frame;
}

/* A job folder that holds what comes before refining: the same in all of these takes. */
static void begin_folder(const char *name)
{
    DIR *whole = opendir(scratch_path("whole"));
    if (!whole || mkdir(scratch_path(name), 0777) != 0) {
        if (whole)
            closedir(whole);
        return;
    }
    char from[512];
    char to[512];
    for (const struct dirent *f = readdir(whole); f; f = readdir(whole))
        if (strncmp(f->d_name, "text.", 5) == 0 || strncmp(f->d_name, "tokens.", 7) == 0) {
            snprintf(from, sizeof from, "whole/%.250s", f->d_name);
            snprintf(to, sizeof to, "%s/%.250s", name, f->d_name);
            assert_int_equal(link(scratch_path(from), scratch_path(to)), 0);
        }
    closedir(whole);
}

static longtake_request request_of(listener *l)
{
    longtake_request request;
    longtake_request_init(&request);
    request.prompt = "a red ball";
    request.settings.seconds = SECONDS;
    request.settings.steps = STEPS;
    request.settings.seed = 7;
    request.on_event = on_event;
    request.user = l;
    return request;
}

/* The take NAME.mp4 in job folder NAME, or its frames alone where `shows`. */
static longtake_status take(longtake *e, const char *name, bool shows, listener *l,
                            longtake_error *error)
{
    char output[64];
    begin_folder(name);
    snprintf(output, sizeof output, "%s.mp4", name);
    longtake_request request = request_of(l);
    request.output = shows ? NULL : scratch_path(output);
    request.job = scratch_path(name);
    request.on_frame = shows ? on_frame : NULL;
    return longtake_generate(e, &request, NULL, error);
}

static void make_with(longtake *e, const char *name)
{
    longtake_error error = {0};
    listener l = {.stop_frame = -1};
    if (take(e, name, false, &l, &error) != LONGTAKE_OK)
        fail_msg("%s: %s", name, error.message);
    assert_false(l.collided);
    assert_false(l.mixed);
}

static void make(way how, const char *name)
{
    longtake *e = open_engine(how);
    make_with(e, name);
    assert_int_equal(device.opened, how == AT_ONCE);
    longtake_close(e);
}

static void expect_same_file(const char *a, const char *b)
{
    size_t a_bytes = 0;
    size_t b_bytes = 0;
    char *x = scratch_read(a, &a_bytes);
    char *y = scratch_read(b, &b_bytes);
    if (!x || !y || a_bytes != b_bytes || memcmp(x, y, a_bytes) != 0)
        fail_msg("%s (%zu bytes) and %s (%zu bytes) differ", a, a_bytes, b, b_bytes);
    free(x);
    free(y);
}

/* The video, and every product that `name` has in its folder: latents, states, pictures. */
static void expect_same(const char *name)
{
    char a[512];
    char b[512];
    snprintf(a, sizeof a, "%s.mp4", name);
    expect_same_file(a, "whole.mp4");
    int latents = 0;
    int videos = 0;
    DIR *folder = opendir(scratch_path(name));
    assert_non_null(folder);
    for (const struct dirent *f = readdir(folder); f; f = readdir(folder)) {
        if (f->d_name[0] == '.' || strstr(f->d_name, ".lock"))
            continue;
        assert_null(strstr(f->d_name, ".part"));
        snprintf(a, sizeof a, "%s/%.250s", name, f->d_name);
        snprintf(b, sizeof b, "whole/%.250s", f->d_name);
        expect_same_file(a, b);
        latents += strncmp(f->d_name, "latents.", 8) == 0;
        videos += strncmp(f->d_name, "video.", 6) == 0;
    }
    closedir(folder);
    assert_int_equal(latents, WINDOWS);
    assert_int_equal(videos, WINDOWS);
}

/* ---- tests ---- */

static void the_same_bytes(void **state)
{
    (void)state;
    make(AT_ONCE, "beside");
    expect_same("beside");
}

/* The second queue is opened once. */
static void takes_of_one_engine(void **state)
{
    (void)state;
    longtake *e = open_engine(AT_ONCE);
    make_with(e, "one");
    make_with(e, "another");
    assert_int_equal(device.opened, 1);
    longtake_close(e);
    expect_same("one");
    expect_same("another");
}

/* To `file` as standard output, which has no job folder. */
static longtake_status stream_into(longtake *e, int file, listener *l, longtake_error *error)
{
    longtake_request request = request_of(l);
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

static void stream(way how, const char *name, listener *l, longtake_status status)
{
    longtake_error error = {0};
    longtake *e = open_engine(how);
    const int file = open(scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(file >= 0);
    const longtake_status s = stream_into(e, file, l, &error);
    close(file);
    longtake_close(e);
    if (s != status)
        fail_msg("%s: got %d '%s', want %d", name, (int)s, error.message, (int)status);
    assert_int_equal(device.opened, how == AT_ONCE);
    assert_false(l->collided || l->mixed);
}

static void a_stream(void **state)
{
    (void)state;
    listener l = {.stop_frame = -1};
    listener at_once = {.stop_frame = -1};
    stream(ONE_AFTER_THE_OTHER, "streamed", &l, LONGTAKE_OK);
    stream(AT_ONCE, "streamed-at-once", &at_once, LONGTAKE_OK);
    expect_same_file("streamed-at-once", "streamed");
}

/* The clip is encoded with the second queue before its thread begins. */
static void go_on_from_clip(way how, const longtake_retake *again, const char *output)
{
    longtake_error error = {0};
    listener l = {.stop_frame = -1};
    longtake *e = open_engine(how);
    longtake_request request = request_of(&l);
    request.input = scratch_path("whole.mp4");
    request.retakes = again;
    request.retake_count = again != NULL;
    request.settings.seconds = 3;
    request.output = scratch_path(output);
    if (longtake_continue(e, &request, NULL, &error) != LONGTAKE_OK)
        fail_msg("%s: %s", output, error.message);
    assert_int_equal(device.opened, how == AT_ONCE);
    assert_false(l.collided || l.mixed);
    longtake_close(e);
}

static void a_clip_goes_on(void **state)
{
    (void)state;
    go_on_from_clip(ONE_AFTER_THE_OTHER, NULL, "longer.mp4");
    go_on_from_clip(AT_ONCE, NULL, "longer-at-once.mp4");
    expect_same_file("longer-at-once.mp4", "longer.mp4");
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
    expect_same_file("longer-first.y4m", "longer.y4m");
    expect_same_file("longer-kept.y4m", "longer.y4m");
    expect_same_file("longer-first-at-once.y4m", "longer.y4m");
}

/* One thread refines and another one decodes, and the user is called by one at a time. */
static void frames_in_order(void **state)
{
    (void)state;
    lt_hash seen[2];
    for (int how = ONE_AFTER_THE_OTHER; how <= AT_ONCE; how++) {
        longtake_error error = {0};
        listener l = {.stop_frame = -1};
        longtake *e = open_engine((way)how);
        device.refines_slowly = true;
        if (take(e, how == AT_ONCE ? "frames-at-once" : "frames", true, &l, &error) != LONGTAKE_OK)
            fail_msg("frames: %s", error.message);
        assert_false(l.collided);
        assert_int_equal(pthread_equal(l.refines, l.decodes) != 0, how == ONE_AFTER_THE_OTHER);
        assert_int_equal(l.frames, 8 * SECONDS);
        seen[how] = l.pictures;
        device.refines_slowly = false;
        longtake_close(e);
    }
    assert_memory_equal(&seen[0], &seen[1], sizeof seen[0]);
}

/* The error is that of the side which hears of it first. */
static void stopped_goes_on(const char *name, listener *l, bool shows, const char *one,
                            const char *other)
{
    char output[64];
    longtake_error error = {0};
    longtake *e = open_engine(AT_ONCE);
    const longtake_status s = take(e, name, shows, l, &error);
    longtake_close(e);
    if (s != LONGTAKE_ERR_CANCELLED ||
        !(strstr(error.message, one) || strstr(error.message, other)))
        fail_msg("%s: got %d '%s', want %d '%s' or '%s'", name, (int)s, error.message,
                 LONGTAKE_ERR_CANCELLED, one, other);
    snprintf(output, sizeof output, "%s.mp4", name);
    assert_false(scratch_exists(output));
    assert_false(l->collided);
    make(AT_ONCE, name);
    expect_same(name);
}

static void stopped_while_refining(void **state)
{
    (void)state;
    listener refines = {.stop_stage = "refine", .stop_window = 1, .stop_step = 1, .stop_frame = -1};
    stopped_goes_on("stopped-refining", &refines, false, "cancelled after step 1 of",
                    "stopped as asked");
}

static void stopped_while_decoding(void **state)
{
    (void)state;
    listener decodes = {.stop_stage = "decode", .stop_window = 1, .stop_step = 1, .stop_frame = -1};
    listener shows = {.stop_frame = 20};
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
        way how;
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
        const listener stop = {.stop_stage = stops[i].stage,
                               .stop_window = stops[i].window,
                               .stop_step = 1,
                               .stop_frame = -1};
        listener l = stop;
        longtake_error error = {0};
        device.decodes_slowly = stops[i].decodes_slowly;
        longtake *e = open_engine(stops[i].how);
        const longtake_status s = take(e, stops[i].name, false, &l, &error);
        longtake_close(e);
        if (s != LONGTAKE_ERR_CANCELLED)
            fail_msg("%s: got %d '%s', want %d", stops[i].name, (int)s, error.message,
                     LONGTAKE_ERR_CANCELLED);
        snprintf(part, sizeof part, "%s.part.mp4", stops[i].name);
        expect_same_file(part, "written-before.part.mp4");
        l = stop;
        snprintf(streamed, sizeof streamed, "%s-stream", stops[i].name);
        stream(stops[i].how, streamed, &l, LONGTAKE_ERR_CANCELLED);
        device.decodes_slowly = false;
        expect_same_file(streamed, "written-before-stream");
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
        listener l = {.stop_stage = "decode", .stop_step = 1, .stop_frame = -1};
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        close(ends[0]);
        void (*before)(int) = signal(SIGPIPE, SIG_IGN);
        longtake *e = open_engine((way)how);
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
            listener l = {.stop_stage = places[i].stage,
                          .stop_window = places[i].window,
                          .stop_step = places[i].step,
                          .stop_frame = -1,
                          .dies = true};
            (void)take(open_engine(AT_ONCE), places[i].name, false, &l, &error);
            _exit(0);
        }
        int how = 0;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        make(AT_ONCE, places[i].name);
        expect_same(places[i].name);
    }
}

/* The latents of window 2 are there, the video of window 1 is not, as a run leaves them that is
 * killed in between. */
static void a_window_is_ahead(void **state)
{
    (void)state;
    make(AT_ONCE, "ahead");
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
    make(AT_ONCE, "ahead");
    expect_same("ahead");
}

static void either_side_fails(void **state)
{
    (void)state;
    static const struct {
        fault fails;
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
        listener l = {.stop_frame = -1};
        longtake *e = open_engine(AT_ONCE);
        device.fails = faults[i].fails;
        const longtake_status s = take(e, faults[i].name, false, &l, &error);
        device.fails = WORKS;
        longtake_close(e);
        const bool known = strcmp(error.message, faults[i].message) == 0 ||
                           strcmp(error.message, faults[i].other) == 0;
        if (s != faults[i].status || !known)
            fail_msg("%s: got %d '%s'", faults[i].name, (int)s, error.message);
        snprintf(output, sizeof output, "%s.mp4", faults[i].name);
        assert_false(scratch_exists(output));
        make(AT_ONCE, faults[i].name);
        expect_same(faults[i].name);
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
    while (device.pictures < 2 && !device.stopped && !o->over)
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
        fault fails;
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
        listener l = {.stop_stage = ends[i].stop_stage, .stop_step = 1, .stop_frame = -1};
        other_process o = {0};
        begin_folder(ends[i].name);
        snprintf(file, sizeof file, "%s/latents.001.lock", ends[i].name);
        o.lock = open(scratch_path(file), O_RDWR | O_CREAT, 0666);
        assert_true(o.lock >= 0 && flock(o.lock, LOCK_EX) == 0);
        longtake *e = open_engine(AT_ONCE);
        device.fails = ends[i].fails;
        assert_int_equal(pthread_create(&o.thread, NULL, hold_window, &o), 0);
        const longtake_status s = take(e, ends[i].name, false, &l, &error);
        o.over = true;
        assert_int_equal(pthread_join(o.thread, NULL), 0);
        device.fails = WORKS;
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
    *t = (two_threads){.engine = open_engine(AT_ONCE)};
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

/* ---- the choice ---- */

enum { EVERYTHING = TAKE_DOES_TOKENS | TAKE_DOES_REFINE | TAKE_DOES_DECODE | TAKE_DOES_KEEP };

static take_memory choose(longtake *e, double seconds, const char *carry, unsigned does)
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
    longtake *e = open_engine(AT_ONCE);
    const take_memory all = choose(e, SECONDS, NULL, EVERYTHING);
    assert_int_equal(all.networks, TAKE_NETWORKS_AT_ONCE);
    /* one window */
    assert_int_equal(choose(e, 1, NULL, EVERYTHING).networks, TAKE_NETWORKS_TOGETHER);
    assert_int_equal(choose(e, SECONDS, "frames", EVERYTHING).networks, TAKE_NETWORKS_TOGETHER);
    assert_int_equal(choose(e, SECONDS, NULL, EVERYTHING | TAKE_DOES_PREVIEW).networks,
                     TAKE_NETWORKS_TOGETHER);
    assert_int_equal(choose(e, SECONDS, NULL, EVERYTHING & ~(unsigned)TAKE_DOES_DECODE).networks,
                     TAKE_NETWORKS_TOGETHER);
    e->max_memory = all.device_bytes - 1;
    const take_memory less = choose(e, SECONDS, NULL, EVERYTHING);
    assert_int_equal(less.networks, TAKE_NETWORKS_TOGETHER);
    assert_true(less.device_bytes < all.device_bytes);
    e->max_memory = 0;
    e->threads = 1;
    assert_int_equal(choose(e, SECONDS, NULL, EVERYTHING).networks, TAKE_NETWORKS_TOGETHER);
    e->threads = 0;
    lt_error err = {0};
    check_ok(take_profile_open(e, &err), err);
    assert_int_equal(choose(e, SECONDS, NULL, EVERYTHING).networks, TAKE_NETWORKS_TOGETHER);
    longtake_close(e);
    e = open_engine(ONE_AFTER_THE_OTHER);
    assert_int_equal(choose(e, SECONDS, NULL, EVERYTHING).networks, TAKE_NETWORKS_TOGETHER);
    longtake_close(e);
}

static double foreseen(way how)
{
    longtake_error error = {0};
    char *json = NULL;
    longtake *e = open_engine(how);
    longtake_request request = request_of(NULL);
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

/* By what refining or decoding of all windows but one lasts, as each was
 * measured in the takes before. */
static void less_time_is_foreseen(void **state)
{
    (void)state;
    const double at_once = foreseen(AT_ONCE);
    const double apart = foreseen(ONE_AFTER_THE_OTHER);
    assert_true(at_once > apart / 2 && at_once < apart);
}

/* A byte less than it takes is free: one after the other, and nothing is opened for it. */
static void not_where_memory_is_short(void **state)
{
    (void)state;
    longtake_error error = {0};
    listener l = {.stop_frame = -1};
    longtake *e = open_engine(AT_ONCE);
    device.memory = (size_t)choose(e, SECONDS, NULL, EVERYTHING).device_bytes - 1;
    if (take(e, "short", false, &l, &error) != LONGTAKE_OK)
        fail_msg("short: %s", error.message);
    assert_int_equal(device.opened, 0);
    longtake_close(e);
    expect_same("short");
}

/* ---- networks in turns ---- */

/* The most memory with which that is the way. */
static longtake *open_in_turns(void)
{
    longtake *e = open_engine(ONE_AFTER_THE_OTHER);
    take_memory found = choose(e, SECONDS, NULL, EVERYTHING);
    while (found.networks != TAKE_NETWORKS_IN_TURNS) {
        e->max_memory = found.device_bytes - 1;
        found = choose(e, SECONDS, NULL, EVERYTHING);
    }
    return e;
}

/* The video, and its frames by callback. */
static longtake_status show(longtake *e, const char *name, listener *l, longtake_error *error)
{
    char output[64];
    begin_folder(name);
    snprintf(output, sizeof output, "%s.mp4", name);
    longtake_request request = request_of(l);
    request.output = scratch_path(output);
    request.job = scratch_path(name);
    request.on_frame = on_frame;
    return longtake_generate(e, &request, NULL, error);
}

/* All of them, whatever the job folder holds. */
static void frames_of_a_kept_folder(void **state)
{
    (void)state;
    lt_hash seen[2];
    for (int again = 0; again < 2; again++) {
        longtake_error error = {0};
        listener l = {.stop_frame = -1};
        longtake *e = open_in_turns();
        if (show(e, "shown", &l, &error) != LONGTAKE_OK)
            fail_msg("shown: %s", error.message);
        longtake_close(e);
        assert_int_equal(l.frames, 8 * SECONDS);
        seen[again] = l.pictures;
        expect_same("shown");
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
    return on_event(user, event);
}

static void frames_that_cannot_be_decoded(void **state)
{
    (void)state;
    longtake_error error = {0};
    listener l = {.stop_frame = -1};
    longtake_request request = request_of(&l);
    make(ONE_AFTER_THE_OTHER, "lost");
    longtake *e = open_in_turns();
    request.output = scratch_path("lost.mp4");
    request.job = scratch_path("lost");
    request.on_frame = on_frame;
    request.on_event = lose_states;
    const longtake_status s = longtake_generate(e, &request, NULL, &error);
    longtake_close(e);
    if (s != LONGTAKE_ERR_FAILED ||
        !strstr(error.message, "the state before window 1 vanished from the job folder"))
        fail_msg("got %d '%s' after %lld frames, want %d", (int)s, error.message,
                 (long long)l.frames, LONGTAKE_ERR_FAILED);
}

/* The tiny model with pictures of 32x32. */
static void write_model(void)
{
    static const char *const less[][2] = {
        {"grid_height: 4", "grid_height: 2"},     {"grid_width: 6", "grid_width: 2"},
        {"latent_height: 8", "latent_height: 4"}, {"latent_width: 12", "latent_width: 4 "},
        {"  width: 96", "  width: 32"},           {"  height: 64", "  height: 32"},
        {"image_size: 96", "image_size: 32"},     {"[1, 1, 1, 2]", "[1, 1, 1, 1]"}};
    char text[8192] = "";
    FILE *file = fopen(TEST_SOURCE_DIR "/configs/tiny.yaml", "rb");
    assert_non_null(file);
    const size_t bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    for (size_t i = 0; i < sizeof less / sizeof *less; i++) {
        char *at = strstr(text, less[i][0]);
        assert_non_null(at);
        memcpy(at, less[i][1], strlen(less[i][1]));
    }
    scratch_write("tiny.yaml", text, bytes);
    char config[128];
    snprintf(config, sizeof config, "%s", scratch_path("tiny.yaml"));
    tiny_model_write(config, LT_F32, scratch_path("tiny"));
}

static int setup(void **state)
{
    (void)state;
    char root[128];
    scratch_open();
    snprintf(root, sizeof root, "%s", scratch_path(""));
    write_model();
    scratch_open_at(root); /* which the model had taken for itself */
    make(ONE_AFTER_THE_OTHER, "whole");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_where_it_can),
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
        cmocka_unit_test(less_time_is_foreseen),
        cmocka_unit_test(not_where_memory_is_short),
        cmocka_unit_test(frames_of_a_kept_folder),
        cmocka_unit_test(frames_that_cannot_be_decoded),
    };
#ifdef EMULATED_CARD
    const size_t count = 3; /* each take lasts many seconds */
#else
    const size_t count = sizeof tests / sizeof *tests;
#endif
    return _cmocka_run_group_tests("a window beside the next", tests, count, setup,
                                   scratch_teardown);
}
