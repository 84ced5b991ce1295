/* status.h - how anything here fails: a code, and the first message.
 *
 *     if (rows != cfg->codes)
 *         return lt_fail(err, LT_ERR_INPUT, "%s: codebook has %lld rows, the config says %d", ...);
 *     LT_TRY(cfg_read(path, &cfg, err));
 *
 * A message has the place, what was found and what was expected. The library never exits, aborts or
 * prints.
 */
#ifndef LT_STATUS_H
#define LT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* The values are the program's exit codes (README, "Exit codes"). */
typedef enum {
    LT_OK = 0,
    LT_ERR_FAILED = 1,        /* anything not named below, a bug of ours included */
    LT_ERR_USAGE = 2,         /* a request that makes no sense */
    LT_ERR_INPUT = 3,         /* bad or missing input, config or model file */
    LT_ERR_DEVICE_MEMORY = 4, /* the accelerator's memory is too small */
    LT_ERR_RESOURCES = 5,     /* out of RAM or disk */
    LT_ERR_DEVICE = 6,        /* device absent, lost or unsupported */
    LT_ERR_LIMIT = 7,         /* done, but a limit that was asked for is exceeded */
    LT_ERR_CANCELLED = 130    /* a callback asked to stop */
} lt_status;

enum { LT_ERROR_BYTES = 1024 };

/* Owned by the caller, zero it before the first use. Keeps the first failure. */
typedef struct {
    lt_status code;
    char message[LT_ERROR_BYTES]; /* one or more lines, no trailing newline */
} lt_error;

#if defined(__GNUC__)
#define LT_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define LT_PRINTF(format_at, first_at)
#endif

/* Records `code` and the message unless `err` already holds one (`err` may be NULL); returns
 * `code`. Control characters become '?'; a newline stays before "hint: " and before the two spaces
 * of a list's item. */
lt_status lt_fail(lt_error *err, lt_status code, const char *format, ...) LT_PRINTF(3, 4);

#if defined(__clang_analyzer__) && !defined(LT_STATUS_BODY)
/* The analyzer sees one file at a time: it must be told that lt_fail gives back its code. */
#define lt_fail(err, code, ...) ((void)lt_fail(err, code, __VA_ARGS__), (code))
#endif

/* Passes a failure on. */
#define LT_TRY(expression)                                                                         \
    do {                                                                                           \
        const lt_status lt_try_ = (expression);                                                    \
        if (lt_try_ != LT_OK)                                                                      \
            return lt_try_;                                                                        \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
