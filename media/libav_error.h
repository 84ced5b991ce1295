/* libav_error.h - failures of libav in our words. */
#ifndef MEDIA_LIBAV_ERROR_H
#define MEDIA_LIBAV_ERROR_H

#include "kernels/core/status.h"

/* "message: what libav says about `averror`"; LT_ERR_RESOURCES instead of `code`
 * where memory or disk is out. */
lt_status media_fail(lt_error *err, lt_status code, int averror, const char *format, ...)
    LT_PRINTF(4, 5);
lt_status media_no_memory(lt_error *err, const char *place);

/* What libav calls its release, for reports; NULL while nothing has needed it. */
const char *media_version(void);

#endif
