/* test_job_folder.c - a job folder with several users in one process, and what of it goes. */
#include "pipeline/job_folder.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/take_run.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

enum { USERS = 3, TIMES = 200, BYTES = 20000 };

static const take_product video = {"video", 0, {0x0123456789abcdef, 0xfedcba9876543210}};
#define KEY "0123456789abcdeffedcba9876543210"

/* ---- several at once ---- */

typedef struct {
    pthread_t thread;
    const char *path;
    const char *data;
    lt_status status;
    lt_error err;
} user;

static void *put_often(void *argument)
{
    user *u = argument;
    take_job *job = NULL;
    u->status = take_job_open(u->path, false, NULL, NULL, NULL, &job, &u->err);
    for (int i = 0; i < TIMES && u->status == LT_OK; i++)
        u->status = take_job_put(job, video, u->data, BYTES, &u->err);
    take_job_close(job);
    return NULL;
}

/* As two engines do that make the same take: what they make twice is the same. */
static void users_in_one_process(void **state)
{
    (void)state;
    user users[USERS];
    char path[512];
    char *data = malloc(BYTES);
    assert_non_null(data);
    memset(data, 'x', BYTES);
    snprintf(path, sizeof path, "%s", scratch_path("shared"));
    for (int i = 0; i < USERS; i++) {
        users[i] = (user){.path = path, .data = data};
        assert_int_equal(pthread_create(&users[i].thread, NULL, put_often, &users[i]), 0);
    }
    for (int i = 0; i < USERS; i++)
        assert_int_equal(pthread_join(users[i].thread, NULL), 0);
    for (int i = 0; i < USERS; i++)
        check_ok(users[i].status, users[i].err);
    assert_int_equal(scratch_count("shared"), 1);
    take_listed *list = NULL;
    size_t count = 0;
    lt_error err = {0};
    check_ok(take_job_list(path, &list, &count, &err), err);
    assert_int_equal(count, 1);
    assert_true(list[0].whole);
    assert_int_equal(list[0].bytes, BYTES);
    free(list);
    free(data);
}

/* ---- what is left of killed runs ---- */

static void what_goes_when_it_is_opened(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool goes;
    } row[] = {{"left/video.000." KEY ".1234.part", true},
               {"left/video.000." KEY ".1234.0.part", true},
               {"left/video.000." KEY ".1234.17.part", true},
               {"left/video.000." KEY ".1234.1.2.part", false},
               {"left/video.000." KEY ".part", false},
               {"left/video.000." KEY ".x.0.part", false},
               {"left/video.000.1234.0.part", false},
               {"left/video.000." KEY, false},
               {"left/notes.1.2.part", false},
               {"left/notes.part", false}};
    take_job *job = NULL;
    lt_error err = {0};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        scratch_write_text(row[i].name, "half");
    check_ok(take_job_open(scratch_path("left"), false, NULL, NULL, NULL, &job, &err), err);
    take_job_close(job);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (scratch_exists(row[i].name) == row[i].goes)
            fail_msg("%s: %s", row[i].name, row[i].goes ? "stays" : "is gone");
}

/* What a process of the same number is writing, on another machine say, is let be. */
static void names_in_use(void **state)
{
    (void)state;
    char name[256];
    take_job *job = NULL;
    take_job *other = NULL;
    lt_error err = {0};
    check_ok(take_job_open(scratch_path("used"), false, NULL, NULL, NULL, &other, &err), err);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "used/video.000." KEY ".%ld.%d.part", (long)getpid(), i);
        scratch_write_text(name, "half");
    }
    check_ok(take_job_open(scratch_path("used"), false, NULL, NULL, NULL, &job, &err), err);
    check_ok(take_job_put(job, video, "whole", 5, &err), err);
    assert_true(take_job_has(job, video));
    assert_int_equal(scratch_count("used"), 4);
    take_job_close(job);
    take_job_close(other);
}

/* ---- reading ---- */

/* `data` is the product's, or stays what it was. */
static void check_read(take_job *job, take_product p, size_t bytes, const char *data)
{
    char got[8] = "before!";
    bool found = false;
    lt_error err = {0};
    check_ok(take_job_read(job, p, got, bytes, &found, &err), err);
    assert_int_equal(found, data != NULL);
    assert_string_equal(got, data ? data : "before!");
}

static void products_of_a_size(void **state)
{
    (void)state;
    take_product other = video;
    take_job *job = NULL;
    lt_error err = {0};
    other.key.low++;
    check_ok(take_job_open(scratch_path("read"), false, NULL, NULL, NULL, &job, &err), err);
    check_ok(take_job_put(job, video, "whole", 6, &err), err);
    check_read(job, video, 6, "whole");
    check_read(job, video, 5, NULL);
    check_read(job, other, 6, NULL);
    check_read(NULL, video, 6, NULL);
    scratch_write_text("read/video.000." KEY, "damaged");
    check_read(job, video, 6, NULL);
    take_job_close(job);
}

/* ---- who looks ---- */

/* Somebody who only looks does not keep the last user from taking the folder away, nor from
 * starting over in it, and takes nothing away himself. */
static void a_look_holds_nothing(void **state)
{
    (void)state;
    char output[512];
    take_job *job = NULL;
    take_run run;
    lt_error err = {0};
    snprintf(output, sizeof output, "%s", scratch_path("seen.mp4"));
    longtake_request r = {.output = output};
    take_run_open(&run, NULL, &r);
    run.looks_only = true;
    check_ok(take_run_look_into_job(&run, output, &err), err);
    assert_null(run.job); /* and none is made */
    take_run_close(&run, false);

    check_ok(take_job_open(scratch_path("seen.mp4.job"), false, NULL, NULL, NULL, &job, &err), err);
    take_job_close(job);
    take_run_open(&run, NULL, &r);
    run.looks_only = true;
    check_ok(take_run_look_into_job(&run, output, &err), err);
    check_ok(take_job_open(scratch_path("seen.mp4.job"), true, NULL, NULL, NULL, &job, &err), err);
    check_ok(take_job_put(job, video, "whole", 6, &err), err);
    check_read(run.job, video, 6, "whole");
    take_job_remove(job);
    assert_false(scratch_exists("seen.mp4.job"));
    check_read(run.job, video, 6, NULL);
    take_run_close(&run, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_in_one_process), cmocka_unit_test(what_goes_when_it_is_opened),
        cmocka_unit_test(names_in_use),         cmocka_unit_test(products_of_a_size),
        cmocka_unit_test(a_look_holds_nothing),
    };
    return cmocka_run_group_tests_name("job folders", tests, scratch_setup, scratch_teardown);
}
