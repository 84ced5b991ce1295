/* test_picture_file.c - a picture comes back from its PNG value for value. */
#include "media/picture_file.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/frame_reader.h"
#include "tests/support/scratch.h"

enum { W = 37, H = 21, BYTES = W * H * 3 };

static void draw(uint8_t *rgb)
{
    for (int i = 0; i < BYTES; i++)
        rgb[i] = (uint8_t)(i * i / 7 + i);
}

static void comes_back(void **state)
{
    (void)state;
    static uint8_t rgb[BYTES];
    static uint8_t back[BYTES];
    const media_read_options as_it_is = {0};
    media_reader *r = NULL;
    bool got = false;
    lt_error err = {0};
    draw(rgb);
    check_ok(media_picture_write(scratch_path("a.png"), rgb, W, H, &err), err);
    check_ok(media_reader_open(scratch_path("a.png"), &as_it_is, &r, &err), err);
    assert_int_equal(media_reader_info(r)->width, W);
    assert_int_equal(media_reader_info(r)->height, H);
    check_ok(media_read_frame(r, back, &got, &err), err);
    media_reader_close(r);
    assert_true(got);
    assert_memory_equal(rgb, back, BYTES);
}

static void a_pipe_stays_one(void **state)
{
    (void)state;
    static uint8_t rgb[BYTES];
    static char from_pipe[4 * BYTES];
    lt_error err = {0};
    struct stat st;
    size_t bytes = 0;
    draw(rgb);
    check_ok(media_picture_write(scratch_path("plain.png"), rgb, W, H, &err), err);
    assert_int_equal(mkfifo(scratch_path("pipe.png"), 0666), 0);
    const int reader = open(scratch_path("pipe.png"), O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    check_ok(media_picture_write(scratch_path("pipe.png"), rgb, W, H, &err), err);
    const ssize_t got = read(reader, from_pipe, sizeof from_pipe);
    close(reader);
    assert_int_equal(stat(scratch_path("pipe.png"), &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    char *plain = scratch_read("plain.png", &bytes);
    assert_int_equal(got, bytes);
    assert_memory_equal(plain, from_pipe, bytes);
    free(plain);
}

static void says_where_it_cannot_write(void **state)
{
    (void)state;
    static const uint8_t rgb[BYTES];
    lt_error err = {0};
    check_failed(media_picture_write(scratch_path("none/a.png"), rgb, W, H, &err), err,
                 LT_ERR_INPUT, "none/a.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(comes_back),
                                       cmocka_unit_test(a_pipe_stays_one),
                                       cmocka_unit_test(says_where_it_cannot_write)};
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
