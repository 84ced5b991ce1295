/* test_file_error.c - whose fault an errno is. */
#include "kernels/core/file_error.h"

#include <errno.h>

#include "tests/support/check.h"

static void codes_and_messages(void **state)
{
    (void)state;
    static const struct {
        int why;
        lt_status read, written;
    } row[] = {
        {ENOENT, LT_ERR_INPUT, LT_ERR_INPUT},         {EACCES, LT_ERR_INPUT, LT_ERR_INPUT},
        {EIO, LT_ERR_INPUT, LT_ERR_RESOURCES},        {EMFILE, LT_ERR_RESOURCES, LT_ERR_RESOURCES},
        {ENOMEM, LT_ERR_RESOURCES, LT_ERR_RESOURCES}, {ENOSPC, LT_ERR_RESOURCES, LT_ERR_RESOURCES},
        {EPIPE, LT_ERR_INPUT, LT_ERR_FAILED},         {EBADF, LT_ERR_INPUT, LT_ERR_FAILED}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        lt_error err = {0};
        errno = row[i].why;
        assert_int_equal(lt_fail_to_read("ball.lt", &err), row[i].read);
        assert_int_equal(err.code, row[i].read);
        err = (lt_error){0};
        errno = row[i].why;
        assert_int_equal(lt_fail_to_write("ball.lt", &err), row[i].written);
    }
    lt_error err = {0};
    errno = ENOENT;
    (void)lt_fail_to_read("ball.lt", &err);
    assert_string_equal(err.message, "ball.lt: No such file or directory");
    err = (lt_error){0};
    errno = EMFILE;
    (void)lt_fail_to_write("ball.lt", &err);
    assert_string_equal(err.message, "ball.lt: cannot be written: Too many open files");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(codes_and_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
