/* complaints.c - collecting lines in a fixed room. */
#include "weights/complaints.h"

#include <stdarg.h>
#include <stdio.h>

void lt_complain(lt_complaints *c, const char *format, ...)
{
    c->count++;
    char line[LT_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    const size_t left = sizeof c->text - c->used;
    const int written = snprintf(c->text + c->used, left, "\n  %s", line);
    if (written >= 0 && (size_t)written < left) {
        c->used += (size_t)written;
        return;
    }
    c->text[c->used] = '\0';
    c->hidden++;
    lt_warn(c->others, "%s", line);
}

lt_status lt_complaints_verdict(const lt_complaints *c, const char *heading, lt_error *err)
{
    if (c->count == 0)
        return LT_OK;
    char more[64] = "";
    if (c->hidden > 0)
        snprintf(more, sizeof more, "\n  and %d more", c->hidden);
    return lt_fail(err, LT_ERR_INPUT, "%s:%s%s", heading, c->text, more);
}
