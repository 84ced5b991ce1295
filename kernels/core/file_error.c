/* file_error.c */
#include "kernels/core/file_error.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_out_of_resources(int why)
{
    const int resources[] = {ENOSPC, EDQUOT, EFBIG, EIO, EMFILE, ENFILE, ENOMEM};
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++)
        if (why == resources[i])
            return true;
    return false;
}

lt_status lt_fail_to_read(const char *path, lt_error *err)
{
    const int why = errno;
    if (why == EINTR) /* a handler that restarts no calls: a signal that is to stop the program */
        return lt_fail(err, LT_ERR_CANCELLED, "%s: stopped while it was read", path);
    /* what cannot be read from its disk is a bad input */
    const bool resources = why != EIO && is_out_of_resources(why);
    return lt_fail(err, resources ? LT_ERR_RESOURCES : LT_ERR_INPUT, "%s: %s", path, strerror(why));
}

lt_status lt_fail_to_write(const char *path, lt_error *err)
{
    const int why = errno;
    const lt_status gone = why == EPIPE || why == EBADF ? LT_ERR_FAILED : LT_ERR_INPUT;
    return lt_fail(err, is_out_of_resources(why) ? LT_ERR_RESOURCES : gone,
                   "%s: cannot be written: %s", path, strerror(why));
}
