/* test_descriptor_link.c - which names lead to open files. */
#include "pipeline/descriptor_link.h"
#include "tests/support/check.h"

#include <unistd.h>

#include "tests/support/scratch.h"
#include "tests/support/skipped.h"

static void link_to(const char *target, const char *name)
{
    assert_int_equal(symlink(target, scratch_path(name)), 0);
}

static void links_to_open_files(void **state)
{
    (void)state;
    if (access("/proc/self/fd/1", F_OK) != 0)
        skip_part("/proc is not here");
    link_to("/proc/self/fd/1", "out");
    link_to("out", "again");
    link_to("/proc/self/fd", "fd");
    assert_true(take_is_descriptor("/proc/self/fd/1"));
    assert_true(take_is_descriptor(scratch_path("out")));
    assert_true(take_is_descriptor(scratch_path("again")));
    assert_true(take_is_descriptor(scratch_path("fd/1")));
    assert_true(take_is_stream(scratch_path("fd/1")));
    assert_false(take_is_descriptor(scratch_path("fd/1.part")));
    assert_false(take_is_descriptor("/proc/none.mp4"));
}

static void other_names(void **state)
{
    (void)state;
    scratch_write_text("proc/film.mp4", "x");
    link_to("proc/film.mp4", "film.mp4");
    link_to("round.mp4", "round.mp4");
    link_to("none.mp4", "loose.mp4");
    assert_false(take_is_descriptor(scratch_path("proc/film.mp4")));
    assert_false(take_is_descriptor(scratch_path("film.mp4")));
    assert_false(take_is_descriptor(scratch_path("round.mp4")));
    assert_false(take_is_descriptor(scratch_path("loose.mp4")));
    assert_false(take_is_descriptor("/dev/null"));
    assert_false(take_is_descriptor("-"));
    assert_true(take_is_stream("-"));
    assert_false(take_is_stream("film.mp4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(links_to_open_files),
                                       cmocka_unit_test(other_names)};
    return test_exit(cmocka_run_group_tests(tests, scratch_setup, scratch_teardown));
}
