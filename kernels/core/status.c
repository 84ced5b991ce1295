/* status.c - recording the first failure. */
#define LT_STATUS_BODY /* see status.h */
#include "kernels/core/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A message may quote names out of a file that means harm: no byte of it moves a cursor or forges a
 * line. What begins a line of ours is a hint, or an item of a list. */
static void make_printable(char *message)
{
    for (char *c = message; *c; c++) {
        const bool line_of_ours =
            *c == '\n' && (strncmp(c + 1, "hint: ", 6) == 0 || strncmp(c + 1, "  ", 2) == 0);
        if (((unsigned char)*c < 0x20 && !line_of_ours) || *c == 0x7f)
            *c = '?';
    }
}

lt_status lt_fail(lt_error *err, lt_status code, const char *format, ...)
{
    if (err == NULL || err->code != LT_OK)
        return code;
    err->code = code;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    make_printable(err->message);
    return code;
}
