/* take_moment.c - reading times; see take_moment.h. */
#include "pipeline/script/take_moment.h"

#include <math.h>
#include <string.h>

#include "kernels/core/decimal_text.h"

enum { DAY_SECONDS = 24 * 3600, MAX_FPS = 240, LONGEST = 31 };

/* The first `length` bytes of `text`: digits and at most one point. */
static bool number_of(const char *text, size_t length, double *out)
{
    char copy[LONGEST + 2] = "0"; /* before a point there may be none */
    if (length > LONGEST || strspn(text, "0123456789.") < length || strspn(text, ".") >= length)
        return false;
    memcpy(copy + 1, text, length);
    copy[length + 1] = '\0';
    return lt_parse_decimal(copy, out);
}

/* "1:05" or "1:02:03.5": whole numbers but for the last, all below 60 but the first. */
static bool read_clock(const char *text, double *seconds)
{
    *seconds = 0;
    for (int part = 0; part < 3; part++) {
        const char *colon = strchr(text, ':');
        double value = 0;
        if (!number_of(text, colon ? (size_t)(colon - text) : strlen(text), &value) ||
            (part > 0 && value >= 60))
            return false;
        *seconds = 60 * *seconds + value;
        if (!colon)
            return true;
        if (value != floor(value))
            return false;
        text = colon + 1;
    }
    return false;
}

bool take_moment_read(const char *text, take_moment *out)
{
    const size_t length = strlen(text);
    const char unit = length > 0 ? text[length - 1] : '\0';
    *out = (take_moment){.in_frames = unit == 'f'};
    const bool ok = strchr(text, ':')
                        ? read_clock(text, &out->value)
                        : number_of(text, length - (unit == 's' || unit == 'f'), &out->value);
    if (out->in_frames)
        return ok && out->value == floor(out->value) && out->value <= (double)DAY_SECONDS * MAX_FPS;
    return ok && out->value <= DAY_SECONDS;
}

int64_t take_moment_frame(take_moment m, double fps)
{
    return llround(m.in_frames ? m.value : m.value * fps);
}
