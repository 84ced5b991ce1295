/* check.h - cmocka with what every test of ours includes, and checks that show
 * the message they did not like. */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernels/core/status.h"

#define check_ok(status, error)                                                                    \
    do {                                                                                           \
        if ((status) != LT_OK)                                                                     \
            fail_msg("failed (%d): %s", (error).code, (error).message);                            \
    } while (0)

/* The call failed with `want`, and its message has `part` in it. */
#define check_failed(status, error, want, part)                                                    \
    do {                                                                                           \
        const lt_status got_ = (status);                                                           \
        if (got_ != (want) || !strstr((error).message, part))                                      \
            fail_msg("got %d '%s', want %d with '%s'", (int)got_, (error).message, (int)(want),    \
                     part);                                                                        \
    } while (0)

/* cmocka's own name for it changed with version 2. */
#define check_within(value, low, high)                                                             \
    do {                                                                                           \
        const double got_ = (double)(value);                                                       \
        if (!(got_ >= (double)(low) && got_ <= (double)(high)))                                    \
            fail_msg("got %g, want %g to %g", got_, (double)(low), (double)(high));                \
    } while (0)

#endif
