/* beside_takes.c - see beside_takes.h. */
#include "tests/support/beside_takes.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_model.h"

/* ---- a device that can be opened twice, or fails ---- */

struct beside_device beside_device;

static lt_backend_table first;  /* of the engine's backend, */
static lt_backend_table second; /* and of the one beside it */
static lt_status (*own_to_rgb8)(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);
static lt_status (*own_normal)(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first,
                               lt_error *err);

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
    return beside_device.memory;
}

static lt_status to_rgb8(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    const bool fails = beside_device.fails == NO_PICTURES || beside_device.fails == NEITHER;
    if (fails && !b->counts_only && beside_device.pictures++ > 0)
        return lt_fail(err, LT_ERR_DEVICE, "test: no pictures");
    for (int i = 0; beside_device.decodes_slowly && !beside_device.stopped && i < 1000; i++)
        usleep(10000);
    return own_to_rgb8(b, out, x, err);
}

static lt_status normal(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t from, lt_error *err)
{
    const bool fails = beside_device.fails == NO_NOISE || beside_device.fails == NEITHER;
    if (fails && ++beside_device.noise > STEPS + 1)
        return lt_fail(err, LT_ERR_DEVICE, "test: no noise");
    if (beside_device.refines_slowly)
        usleep(20000);
    return own_normal(b, out, draw, from, err);
}

static lt_status again(lt_backend *b, lt_backend **out, lt_error *err)
{
    (void)b;
    if (beside_device.fails == NO_SECOND)
        return lt_fail(err, LT_ERR_DEVICE_MEMORY, "test: no second queue");
    LT_TRY(open_backend(out, err));
    second = *(*out)->table;
    own_to_rgb8 = second.to_rgb8;
    second.to_rgb8 = to_rgb8;
    (*out)->table = &second;
    beside_device.opened++;
    return LT_OK;
}

longtake *beside_engine(beside_way how)
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
    first = *e->backend->table;
    first.memory_free = memory_free;
    first.again = how == AT_ONCE ? again : NULL;
    own_normal = first.normal;
    first.normal = normal;
    beside_device.memory = (size_t)1 << 40;
    beside_device.opened = 0;
    beside_device.pictures = 0;
    beside_device.noise = 0;
    beside_device.stopped = false;
    e->backend->table = &first;
    return e;
}

/* ---- takes ---- */

/* A stage's events have its own number of steps, and windows that never go back. */
static void hear(beside_listener *l, const longtake_event *event, pthread_t *thread,
                 int64_t *window, int64_t steps)
{
    l->mixed |= event->steps != steps || event->step > steps || event->window < *window;
    *window = event->window;
    *thread = pthread_self();
}

int beside_on_event(void *user, const longtake_event *event)
{
    beside_listener *l = user;
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
    beside_device.stopped = beside_device.stopped || stops;
    atomic_fetch_sub(&l->inside, 1);
    return stops;
}

int beside_on_frame(void *user, int64_t index, const uint8_t *rgb, int width, int height)
{
    beside_listener *l = user;
    l->collided |= atomic_fetch_add(&l->inside, 1) != 0;
    assert_int_equal(index, l->frames);
    const lt_hash both[2] = {l->pictures, lt_hash_bytes(rgb, (size_t)width * (size_t)height * 3)};
    l->pictures = lt_hash_bytes(both, sizeof both);
    l->frames++;
    usleep(1000); /* of refining, meanwhile, nothing is told */
    atomic_fetch_sub(&l->inside, 1);
    return index == l->stop_frame;
}

void beside_begin_folder(const char *name)
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

longtake_request beside_request(beside_listener *l)
{
    longtake_request request;
    longtake_request_init(&request);
    request.prompt = "a red ball";
    request.settings.seconds = SECONDS;
    request.settings.steps = STEPS;
    request.settings.seed = 7;
    request.on_event = beside_on_event;
    request.user = l;
    return request;
}

longtake_status beside_take(longtake *e, const char *name, bool shows, beside_listener *l,
                            longtake_error *error)
{
    char output[64];
    beside_begin_folder(name);
    snprintf(output, sizeof output, "%s.mp4", name);
    longtake_request request = beside_request(l);
    request.output = shows ? NULL : scratch_path(output);
    request.job = scratch_path(name);
    request.on_frame = shows ? beside_on_frame : NULL;
    return longtake_generate(e, &request, NULL, error);
}

void beside_make_with(longtake *e, const char *name)
{
    longtake_error error = {0};
    beside_listener l = {.stop_frame = -1};
    if (beside_take(e, name, false, &l, &error) != LONGTAKE_OK)
        fail_msg("%s: %s", name, error.message);
    assert_false(l.collided);
    assert_false(l.mixed);
}

void beside_make(beside_way how, const char *name)
{
    longtake *e = beside_engine(how);
    beside_make_with(e, name);
    assert_int_equal(beside_device.opened, how == AT_ONCE);
    longtake_close(e);
}

void beside_expect_same_file(const char *a, const char *b)
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

void beside_expect_same(const char *name)
{
    char a[512];
    char b[512];
    snprintf(a, sizeof a, "%s.mp4", name);
    beside_expect_same_file(a, "whole.mp4");
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
        beside_expect_same_file(a, b);
        latents += strncmp(f->d_name, "latents.", 8) == 0;
        videos += strncmp(f->d_name, "video.", 6) == 0;
    }
    closedir(folder);
    assert_int_equal(latents, WINDOWS);
    assert_int_equal(videos, WINDOWS);
}

/* ---- the model ---- */

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

void beside_open(void)
{
    char root[128];
    scratch_open();
    snprintf(root, sizeof root, "%s", scratch_path(""));
    write_model();
    scratch_open_at(root); /* which the model had taken for itself */
}
