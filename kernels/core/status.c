/* status.c - recording the first failure. */
#define LT_STATUS_BODY /* see status.h */
#include "kernels/core/status.h"

#include <stdarg.h>
#include <stdio.h>

lt_status lt_fail(lt_error *err, lt_status code, const char *format, ...)
{
    if (err == NULL || err->code != LT_OK)
        return code;
    err->code = code;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    return code;
}
