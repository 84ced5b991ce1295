/* test_temporary_file.c - what a dead process left goes, what a living one writes stays, and so
 * does everything else. */
#include "kernels/core/temporary_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"

/* A process that was there and is no more. */
static long dead_process(void)
{
    const pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_true(child > 0 && waitpid(child, NULL, 0) == child);
    return (long)child;
}

/* "take.mp4" + `middle` + PROCESS + `end`, written and found again by its name. */
static const char *make(const char *middle, long process, const char *end)
{
    static char name[128];
    snprintf(name, sizeof name, "take.mp4%s%ld%s", middle, process, end);
    scratch_write_text(name, "half");
    return name;
}

static void begin(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s", scratch_path("take.mp4"));
    char *const name = lt_temporary_name(path);
    assert_non_null(name);
    char want[600];
    snprintf(want, sizeof want, "%s.%ld.part", path, (long)getpid());
    assert_string_equal(name, want);
    free(name);
}

static void clears_what_the_dead_left(void **state)
{
    (void)state;
    const char *const stale = make(".", dead_process(), ".part");
    begin();
    assert_false(scratch_exists(stale));
}

static void keeps_what_is_written_elsewhere(void **state)
{
    (void)state;
    /* by a process of another machine, say */
    const char *const held = make(".", dead_process(), ".part");
    const int fd = open(scratch_path(held), O_RDWR);
    assert_true(fd >= 0);
    lt_temporary_hold(fd);
    begin();
    assert_true(scratch_exists(held));
    close(fd);
    begin();
    assert_false(scratch_exists(held));
}

static void keeps_what_is_not_of_a_dead_process(void **state)
{
    (void)state;
    const long dead = dead_process();
    const struct {
        const char *middle;
        long process;
        const char *end;
    } others[] = {{".", (long)getppid(), ".part"},
                  {".", (long)getpid(), ".part"},
                  {".", dead, ".tmp"},
                  {"", dead, ".part"},
                  {".x", dead, ".part"},
                  {".", dead, ".part2"},
                  {".-", dead, ".part"},
                  {".", dead, ""}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *const name = make(others[i].middle, others[i].process, others[i].end);
        begin();
        if (!scratch_exists(name))
            fail_msg("%s is gone", name);
    }
}

/* Two threads write the same file, each under a name of its own,
 * which the other one leaves alone. */
static void *write_half(void *argument)
{
    char *const name = lt_temporary_name(scratch_path("take.mp4"));
    assert_non_null(name);
    scratch_write_text(strrchr(name, '/') + 1, argument);
    return name;
}

static void *write_half_and_wait(void *argument)
{
    pthread_barrier_t *const steps = argument;
    char *const name = write_half("theirs");
    (void)pthread_barrier_wait(steps); /* both names are there */
    (void)pthread_barrier_wait(steps); /* and were looked at */
    return name;
}

static void keeps_threads_apart(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_barrier_t steps;
    void *theirs = NULL;
    size_t bytes = 0;
    assert_int_equal(pthread_barrier_init(&steps, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_half_and_wait, &steps), 0);
    (void)pthread_barrier_wait(&steps);
    char *const ours = write_half("ours");
    (void)pthread_barrier_wait(&steps);
    assert_int_equal(pthread_join(thread, &theirs), 0);
    (void)pthread_barrier_destroy(&steps);
    assert_string_not_equal(ours, (char *)theirs);
    char *const read = scratch_read(strrchr(theirs, '/') + 1, &bytes);
    assert_non_null(read);
    assert_string_equal(read, "theirs");
    free(read);
    free(ours);
    free(theirs);
}

static void stale_name(const char *path)
{
    rmdir(path);
}

static void leaves_folders_to_their_owner(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "take.mp4.%ld.part", dead_process());
    assert_int_equal(mkdir(scratch_path(name), 0777), 0);
    begin();
    assert_true(scratch_exists(name));
    char path[512];
    snprintf(path, sizeof path, "%s/", scratch_path("take.mp4"));
    char *const folder = lt_temporary_folder_name(path, stale_name);
    assert_non_null(folder);
    assert_null(strchr(strrchr(folder, '/') + 1, '/'));
    free(folder);
    assert_false(scratch_exists(name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clears_what_the_dead_left),
        cmocka_unit_test(keeps_what_is_written_elsewhere),
        cmocka_unit_test(keeps_what_is_not_of_a_dead_process),
        cmocka_unit_test(keeps_threads_apart),
        cmocka_unit_test(leaves_folders_to_their_owner),
    };
    scratch_open();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scratch_close();
    return failed;
}
