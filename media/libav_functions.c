/* libav_functions.c - see libav_functions.h. */
#define MEDIA_LIBAV_NAMES
#include "media/libav_functions.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

media_libav_table media_libav;

/* The libraries by the names of the release that the headers belong to,
 * in the order of their needs. */
enum { AVUTIL, AVCODEC, AVFORMAT, SWSCALE, LIBRARIES };
static const char *const libraries[LIBRARIES] = {
    [AVUTIL] = "libavutil.so." AV_STRINGIFY(LIBAVUTIL_VERSION_MAJOR),
    [AVCODEC] = "libavcodec.so." AV_STRINGIFY(LIBAVCODEC_VERSION_MAJOR),
    [AVFORMAT] = "libavformat.so." AV_STRINGIFY(LIBAVFORMAT_VERSION_MAJOR),
    [SWSCALE] = "libswscale.so." AV_STRINGIFY(LIBSWSCALE_VERSION_MAJOR),
};

/* Where each function of the table comes from and goes to. */
static const struct {
    int of; /* which library */
    const char *name;
    size_t at;
} functions[] = {
#define ROW(library, function) {library, #function, offsetof(media_libav_table, function)},
    MEDIA_LIBAV_FUNCTIONS(ROW)
#undef ROW
};

static char failure[512]; /* empty once libav is open */
static lt_status failed_with = LT_ERR_FAILED;
static atomic_bool begun;

static void note_failure(const char *what)
{
    const char *const said = dlerror();
    const char *const cause = said ? said : what;
    const bool memory =
        strstr(cause, "failed to map segment") || strstr(cause, "annot allocate memory");
    failed_with = memory ? LT_ERR_RESOURCES : LT_ERR_FAILED;
    (void)snprintf(failure, sizeof failure, "libav: %s", cause);
}

static void open_libav(void)
{
    void *library[LIBRARIES]; /* stay open as long as the process lives */
    for (int i = 0; i < LIBRARIES; i++) {
        library[i] = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
        if (!library[i]) {
            note_failure(libraries[i]);
            return;
        }
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *const address = dlsym(library[functions[i].of], functions[i].name);
        if (!address) {
            note_failure(functions[i].name);
            return;
        }
        memcpy((char *)&media_libav + functions[i].at, &address, sizeof address);
    }
    if (media_libav.av_log_get_level() == AV_LOG_INFO)
        media_libav.av_log_set_level(AV_LOG_QUIET);
    atomic_store(&begun, true);
}

bool media_has_begun(void)
{
    return atomic_load(&begun);
}

lt_status media_begin(lt_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, open_libav);
    return failure[0] == '\0' ? LT_OK : lt_fail(err, failed_with, "%s", failure);
}
