/* test_window_encoder.c - a build of libav that lacks an encoder: what is said, and when. */
#include "tests/support/check.h"

#include <string.h>

#define MEDIA_LIBAV_NAMES /* the table itself is changed */
#include "media/libav_functions.h"
#include "media/window_encoder.h"

static const AVCodec *(*found)(const char *name);
static const char *lacks;

static const AVCodec *find_some(const char *name)
{
    return strcmp(name, lacks) == 0 ? NULL : found(name);
}

static void what_is_lacking_is_named(void **state)
{
    (void)state;
    static const struct {
        media_format format;
        const char *encoder;
        const char *said;
    } cases[] = {
        {MEDIA_MP4, "libx264", "mp4 needs the encoder libx264"},
        {MEDIA_MOV, "libx264", "mov needs the encoder libx264"},
        {MEDIA_WEBM, "libvpx-vp9", "webm needs the encoder libvpx-vp9"},
        {MEDIA_WEBP, "libwebp_anim", "webp needs the encoder libwebp_anim"},
        {MEDIA_WEBP, "ffv1", "webp needs the encoder ffv1"},
        {MEDIA_MKV, "ffv1", "mkv needs the encoder ffv1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const media_spec spec = {
            .format = cases[i].format, .width = 48, .height = 32, .scale = 1, .fps = 8};
        lt_error err = {0};
        media_encoder *e = NULL;
        lacks = cases[i].encoder;
        check_failed(media_encoder_check(cases[i].format, &err), err, LT_ERR_FAILED, cases[i].said);
        err = (lt_error){0};
        check_failed(media_encoder_open(&spec, &e, &err), err, LT_ERR_FAILED, cases[i].said);
        assert_null(e);
        err = (lt_error){0};
        lacks = "none";
        check_ok(media_encoder_check(cases[i].format, &err), err);
    }
}

static int begin(void **state)
{
    (void)state;
    lt_error err = {0};
    if (media_begin(&err) != LT_OK)
        return -1;
    found = media_libav.avcodec_find_encoder_by_name;
    media_libav.avcodec_find_encoder_by_name = find_some;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_lacking_is_named)};
    return cmocka_run_group_tests(tests, begin, NULL);
}
