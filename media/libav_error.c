/* libav_error.c - see libav_error.h. */
#include "media/libav_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "media/libav_functions.h"

lt_status media_fail(lt_error *err, lt_status code, int averror, const char *format, ...)
{
    char message[LT_ERROR_BYTES];
    char cause[AV_ERROR_MAX_STRING_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    (void)av_strerror(averror, cause, sizeof cause);
    const int number = AVUNERROR(averror);
    if (number == ENOMEM || number == ENOSPC || number == EDQUOT || number == EFBIG ||
        number == EMFILE || number == ENFILE)
        code = LT_ERR_RESOURCES;
    return lt_fail(err, code, "%s: %s", message, cause);
}

lt_status media_no_memory(lt_error *err, const char *place)
{
    return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory", place);
}

const char *media_version(void)
{
    return media_has_begun() ? av_version_info() : NULL;
}
