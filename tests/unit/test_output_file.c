/* test_output_file.c - what is there before, while and after a file is written. */
#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/core/output_file.h"
#include "tests/support/scratch.h"

static struct {
    int cause; /* why a sync fails; 0: it does not */
    int files; /* synced before they had their names, */
    int folders;
} synced;

/* In the C library's place: this program's own come first. */
int fsync(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    synced.files += S_ISREG(st.st_mode) && !scratch_exists("new.lt");
    synced.folders += S_ISDIR(st.st_mode) && scratch_exists("new.lt");
    errno = synced.cause;
    return synced.cause ? -1 : 0;
}

static void check_text(const char *name, const char *want)
{
    size_t bytes;
    char *text = scratch_read(name, &bytes);
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

static void a_file_appears_when_it_is_whole(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_output o;
    check_ok(lt_output_open(&o, scratch_path("new.lt"), &err), err);
    check_ok(lt_output_write(&o, "whole", 5, &err), err);
    assert_int_not_equal(fcntl(fileno(o.file), F_GETFD) & FD_CLOEXEC, 0);
    assert_false(scratch_exists("new.lt"));
    check_ok(lt_output_publish(&o, &err), err);
    check_text("new.lt", "whole");
    assert_int_equal(synced.files, 1);
    assert_int_equal(synced.folders, 1);
    assert_int_equal(scratch_count("."), 1);
}

static void what_is_given_up_leaves_what_was_there(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_output o = {0};
    lt_output_abandon(&o);
    for (int fails = 0; fails < 2; fails++) {
        check_ok(lt_output_open(&o, scratch_path("new.lt"), &err), err);
        check_ok(lt_output_write(&o, "other", 5, &err), err);
        synced.cause = fails ? ENOSPC : 0;
        if (fails)
            check_failed(lt_output_publish(&o, &err), err, LT_ERR_RESOURCES,
                         "new.lt: cannot be written: No space left");
        else
            lt_output_abandon(&o);
        check_text("new.lt", "whole");
        assert_int_equal(scratch_count("."), 1);
    }
    synced.cause = 0;
    err = (lt_error){0};
    check_failed(lt_output_open(&o, scratch_path("none/new.lt"), &err), err, LT_ERR_INPUT,
                 "none/new.lt: cannot be written: No such file");
}

static void a_link_under_the_temporary_name_is_not_followed(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_output o;
    char name[64];
    (void)snprintf(name, sizeof name, "link.lt.%ld.part", (long)getpid());
    for (int hard = 0; hard < 2; hard++) {
        assert_int_equal(hard ? link(scratch_path("new.lt"), scratch_path(name))
                              : symlink("new.lt", scratch_path(name)),
                         0);
        check_ok(lt_output_open(&o, scratch_path("link.lt"), &err), err);
        check_ok(lt_output_write(&o, "mine", 4, &err), err);
        check_ok(lt_output_publish(&o, &err), err);
        check_text("link.lt", "mine");
        check_text("new.lt", "whole");
    }
}

static void a_pipe_is_written_as_it_is(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_output o;
    char got[8] = "";
    assert_int_equal(mkfifo(scratch_path("pipe.lt"), 0600), 0);
    const int reader = open(scratch_path("pipe.lt"), O_RDONLY | O_NONBLOCK);
    check_ok(lt_output_open(&o, scratch_path("pipe.lt"), &err), err);
    check_ok(lt_output_write(&o, "mine", 4, &err), err);
    assert_int_equal(read(reader, got, sizeof got), 4);
    check_ok(lt_output_publish(&o, &err), err);
    check_ok(lt_output_open(&o, scratch_path("pipe.lt"), &err), err);
    close(reader);
    check_failed(lt_output_write(&o, "mine", 4, &err), err, LT_ERR_FAILED, "Broken pipe");
    lt_output_abandon(&o);
    struct stat st;
    assert_int_equal(stat(scratch_path("pipe.lt"), &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_appears_when_it_is_whole),
        cmocka_unit_test(what_is_given_up_leaves_what_was_there),
        cmocka_unit_test(a_link_under_the_temporary_name_is_not_followed),
        cmocka_unit_test(a_pipe_is_written_as_it_is)};
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
