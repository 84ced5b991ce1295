/* test_take_places.c - which files of a request are one. */
#include "pipeline/take_places.h"
#include "tests/support/check.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/scratch.h"

enum { NO_MORE = -1 };

typedef struct {
    int kind; /* take_place_kind, or NO_MORE */
    const char *name;
} named;

/* The message ends with `want`; NULL: all are apart. */
static void check_places(const named *files, const char *want)
{
    take_places p = {0};
    lt_error err = {0};
    for (const named *f = files; f->kind != NO_MORE; f++)
        take_places_add(&p, (take_place_kind)f->kind, strdup(scratch_path(f->name)));
    const lt_status s = take_places_end(&p, &err);
    if (want)
        check_failed(s, err, LT_ERR_USAGE, want);
    else
        check_ok(s, err);
}

#define APART(...)         check_places((const named[]){__VA_ARGS__, {NO_MORE, NULL}}, NULL)
#define REFUSED(want, ...) check_places((const named[]){__VA_ARGS__, {NO_MORE, NULL}}, want)

static void make_files(void)
{
    static bool made;
    if (made)
        return;
    made = true;
    scratch_write_text("clip.mp4", "clip");
    scratch_write_text("folder/plan.lt", "plan");
    assert_int_equal(link(scratch_path("clip.mp4"), scratch_path("folder/hard.mp4")), 0);
    assert_int_equal(symlink("../clip.mp4", scratch_path("folder/soft.mp4")), 0);
    assert_int_equal(mkfifo(scratch_path("pipe.mp4"), 0666), 0);
}

static void files_that_are_there(void **state)
{
    (void)state;
    make_files();
    APART({TAKE_PLACE_SOURCE, "clip.mp4"}, {TAKE_PLACE_OUTPUT, "folder/plan.lt"});
    APART({TAKE_PLACE_SOURCE, "clip.mp4"}, {TAKE_PLACE_SOURCE, "folder/soft.mp4"});
    REFUSED("--output: found ", {TAKE_PLACE_SOURCE, "clip.mp4"},
            {TAKE_PLACE_OUTPUT, "folder/hard.mp4"});
    REFUSED("folder/soft.mp4, which this take is made from, expected another file",
            {TAKE_PLACE_PREVIEW, "folder/soft.mp4"}, {TAKE_PLACE_OUTPUT, "none.mp4"},
            {TAKE_PLACE_SOURCE, "clip.mp4"});
    REFUSED("/clip.mp4, the output, expected another file",
            {TAKE_PLACE_OUTPUT, "folder/../clip.mp4"}, {TAKE_PLACE_PREVIEW, "clip.mp4"});
}

static void files_that_are_not(void **state)
{
    (void)state;
    make_files();
    APART({TAKE_PLACE_OUTPUT, "a.mp4"}, {TAKE_PLACE_GROWING, "a.part.mp4"},
          {TAKE_PLACE_PREVIEW, "folder/a.mp4"});
    REFUSED("a.mp4, the output, expected another file", {TAKE_PLACE_OUTPUT, "folder/../a.mp4"},
            {TAKE_PLACE_PREVIEW, "a.mp4"});
    REFUSED("the output while it grows", {TAKE_PLACE_PREVIEW, "a.part.mp4"},
            {TAKE_PLACE_GROWING, "a.part.mp4"});
    APART({TAKE_PLACE_OUTPUT, "none/a.mp4"}, {TAKE_PLACE_PREVIEW, "none/b.mp4"});
    REFUSED("the output", {TAKE_PLACE_OUTPUT, "none/a.mp4"}, {TAKE_PLACE_PREVIEW, "none/a.mp4"});
}

static void what_is_in_the_way(void **state)
{
    (void)state;
    make_files();
    APART({TAKE_PLACE_OUTPUT, "pipe.mp4"});
    REFUSED("pipe.mp4 is a pipe", {TAKE_PLACE_GROWING, "pipe.mp4"});
    REFUSED("folder is a folder", {TAKE_PLACE_PICTURE, "folder"});
    REFUSED("clip.mp4, expected no such file: the video has that name while it grows",
            {TAKE_PLACE_OUTPUT, "folder/plan.lt"}, {TAKE_PLACE_GROWING, "clip.mp4"});
    REFUSED("clip.mp4, which this take is made from, expected another file",
            {TAKE_PLACE_SOURCE, "clip.mp4"}, {TAKE_PLACE_GROWING, "clip.mp4"});
    REFUSED("the output", {TAKE_PLACE_OUTPUT, "pipe.mp4"}, {TAKE_PLACE_PREVIEW, "pipe.mp4"});
}

static void nobodys_places(void **state)
{
    (void)state;
    take_places p = {0};
    lt_error err = {0};
    take_places_add(&p, TAKE_PLACE_SOURCE, strdup("-"));
    take_places_add(&p, TAKE_PLACE_OUTPUT, strdup("-"));
    take_places_add(&p, TAKE_PLACE_OUTPUT, strdup("/dev/null"));
    take_places_add(&p, TAKE_PLACE_PREVIEW, strdup("/dev/null"));
    check_ok(take_places_end(&p, &err), err);
    take_places_add(&p, TAKE_PLACE_GROWING, strdup("/dev/null"));
    check_failed(take_places_end(&p, &err), err, LT_ERR_USAGE, "/dev/null is a pipe or device");
    err = (lt_error){0};
    take_places_add(&p, TAKE_PLACE_OUTPUT, NULL);
    check_failed(take_places_end(&p, &err), err, LT_ERR_RESOURCES, "out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_there), cmocka_unit_test(files_that_are_not),
        cmocka_unit_test(what_is_in_the_way), cmocka_unit_test(nobodys_places)};
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
