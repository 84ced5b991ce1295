/* test_webp_chunks.c - what an animated WebP says of itself, and what becomes of one that is cut.
 */
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

#include "media/webp_chunks.h"

/* 64x48, two pictures of no content, of 125 and 99 ms. */
static const uint8_t two_pictures[] = "RIFF\x54\0\0\0WEBP"
                                      "VP8X\x0a\0\0\0\x12\0\0\0\x3f\0\0\x2f\0\0"
                                      "ANIM\x06\0\0\0\xff\xff\xff\xff\0\0"
                                      "ANMF\x10\0\0\0\0\0\0\0\0\0\x3f\0\0\x2f\0\0\x7d\0\0\0"
                                      "ANMF\x10\0\0\0\0\0\0\0\0\0\x3f\0\0\x2f\0\0\x63\0\0";
/* One picture, which is no animation; its chunk has an odd length. */
static const uint8_t still[] = "RIFF\x10\0\0\0WEBPVP8 \x03\0\0\0abc";

static const char story[] = "{\"a\":\"<&> \\\"\xc3\xa4\"}";

/* Both parts, one behind the other; free() it. */
static uint8_t *put_together(const char *comment, size_t *bytes)
{
    media_webp_file f;
    media_webp_begin(&f, 64, 48);
    media_webp_add_part(&f, two_pictures, sizeof two_pictures, 250);
    media_webp_add_part(&f, still, sizeof still, 1000);
    assert_true(media_webp_end(&f, comment));
    *bytes = f.bytes;
    return f.data;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    lt_error err = {0};
    media_webp_info info;
    size_t bytes;
    const char *const comments[] = {NULL, story, "", "&lt;&amp;amp;"};
    for (int i = 0; i < 4; i++) {
        uint8_t *file = put_together(comments[i], &bytes);
        assert_int_equal(bytes % 2, 0);
        check_ok(media_webp_read(file, bytes, "a.webp", &info, &err), err);
        assert_true(info.animated);
        assert_int_equal(info.width, 64);
        assert_int_equal(info.height, 48);
        assert_int_equal(info.pictures, 3);
        assert_int_equal(info.milliseconds, 1250); /* 99 was a guess */
        if (comments[i])
            assert_string_equal(info.comment, comments[i]);
        else
            assert_null(info.comment);
        media_webp_info_clear(&info);
        free(file);
    }
}

/* In an animation of its own, all over the canvas and in the place of what was there. */
static void a_still_part_is_a_picture(void **state)
{
    (void)state;
    static const uint8_t want[] = "ANMF\x1c\0\0\0\0\0\0\0\0\0\x3f\0\0\x2f\0\0\xe8\3\0\2"
                                  "VP8 \3\0\0\0abc";
    size_t bytes;
    uint8_t *file = put_together(NULL, &bytes);
    assert_memory_equal(file + bytes - sizeof want, want, sizeof want);
    free(file);
}

static void a_part_that_makes_no_sense_is_an_error(void **state)
{
    (void)state;
    media_webp_file f;
    media_webp_begin(&f, 64, 48);
    media_webp_add_part(&f, still, 11, 1000);
    assert_false(media_webp_end(&f, story));
    media_webp_drop(&f);
}

static void every_cut_is_told(void **state)
{
    (void)state;
    media_webp_info info;
    size_t bytes;
    uint8_t *file = put_together(story, &bytes);
    const size_t told_from = 12 + 8 + 10; /* before, nobody knows that it is an animation */
    for (size_t cut = 0; cut < bytes; cut++) {
        lt_error err = {0};
        uint8_t *part = malloc(cut + 1); /* its end is guarded by the sanitizer */
        assert_non_null(part);
        memcpy(part, file, cut);
        const lt_status s = media_webp_read(part, cut, "a.webp", &info, &err);
        if (cut < told_from)
            check_ok(s, err);
        else
            check_failed(s, err, LT_ERR_INPUT, "a.webp: animated WebP, damaged or cut off after");
        assert_null(info.comment);
        assert_false(info.animated);
        free(part);
    }
    free(file);
}

static void xmp_of_others_is_no_comment(void **state)
{
    (void)state;
    static const uint8_t foreign[] = "RIFF\x40\0\0\0WEBP"
                                     "VP8X\x0a\0\0\0\x06\0\0\0\x3f\0\0\x2f\0\0"
                                     "ANMF\x10\0\0\0\0\0\0\0\0\0\x3f\0\0\x2f\0\0\x7d\0\0\0"
                                     "XMP \x0a\0\0\0<x:xmpmeta";
    lt_error err = {0};
    media_webp_info info;
    check_ok(media_webp_read(foreign, sizeof foreign - 1, "a.webp", &info, &err), err);
    assert_true(info.animated);
    assert_null(info.comment);
    uint8_t longer[sizeof foreign + 5] = {0}; /* what follows is none of it */
    memcpy(longer, foreign, sizeof foreign - 1);
    check_ok(media_webp_read(longer, sizeof longer, "a.webp", &info, &err), err);
    assert_int_equal(info.milliseconds, 125);
    check_ok(media_webp_read((const uint8_t *)"no WebP at all", 14, "a.webp", &info, &err), err);
    assert_false(info.animated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_still_part_is_a_picture),
        cmocka_unit_test(a_part_that_makes_no_sense_is_an_error),
        cmocka_unit_test(every_cut_is_told),
        cmocka_unit_test(xmp_of_others_is_no_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
