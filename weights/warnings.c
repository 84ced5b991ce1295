/* warnings.c - formatting a warning. */
#include "weights/warnings.h"

#include <stdarg.h>
#include <stdio.h>

void lt_warn(const lt_warnings *w, const char *format, ...)
{
    if (!w || !w->warn)
        return;
    char line[LT_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    w->warn(w->user, line);
}
