/* test_picture_sequence.c - what is on the disk when pictures get their names, and after that. */
#include "tests/support/check.h"

#include <errno.h>
#include <unistd.h>

#include "media/picture_sequence.h"
#include "tests/support/scratch.h"

enum { PICTURES = 3 };

static struct {
    int cause; /* why the sync of all fails; 0: it does not */
    int all;   /* how often all was synced before the first name, */
    int names; /* and a folder behind the last */
} synced;

/* In the C library's place: this program's own come first. */
int syncfs(int fd)
{
    (void)fd;
    synced.all += !scratch_exists("made/ball-00000.png");
    errno = synced.cause;
    return synced.cause ? -1 : 0;
}

int fsync(int fd)
{
    (void)fd;
    synced.names += scratch_exists("made/ball-00002.png");
    return 0;
}

static media_sequence some_pictures(void)
{
    lt_error err = {0};
    media_sequence s;
    scratch_write_text("made/ball-00000.png", "");
    assert_int_equal(unlink(scratch_path("made/ball-00000.png")), 0);
    check_ok(media_sequence_open(&s, scratch_path("made/ball.png"), &err), err);
    for (int i = 0; i < PICTURES; i++)
        check_ok(media_sequence_add(&s, "picture", 7, &err), err);
    return s;
}

static void without_a_sync_none_gets_its_name(void **state)
{
    (void)state;
    lt_error err = {0};
    media_sequence s = some_pictures();
    synced.cause = EIO;
    check_failed(media_sequence_publish(&s, &err), err, LT_ERR_RESOURCES,
                 "cannot be written: Input/output error");
    synced.cause = 0;
    synced.all = 0;
    media_sequence_close(&s);
    assert_int_equal(scratch_count("made"), 0);
}

static void pictures_are_on_the_disk_before_their_names(void **state)
{
    (void)state;
    lt_error err = {0};
    media_sequence s = some_pictures();
    check_ok(media_sequence_publish(&s, &err), err);
    assert_int_equal(synced.all, 1);
    assert_int_equal(synced.names, 1);
    media_sequence_close(&s);
    assert_int_equal(scratch_count("made"), PICTURES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_sync_none_gets_its_name),
        cmocka_unit_test(pictures_are_on_the_disk_before_their_names)};
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
