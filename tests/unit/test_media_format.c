/* test_media_format.c - sizes that can be written, names of PNG files. */
#include "tests/support/check.h"

#include <stdlib.h>

#include "media/media_format.h"
#include "media/video_file.h"

static void sizes_are_checked(void **state)
{
    (void)state;
    const media_spec fine = {
        .format = MEDIA_MP4, .width = 192, .height = 128, .scale = 1, .fps = 8};
    lt_error err = {0};
    check_ok(media_spec_check(&fine, &err), err);

    media_spec odd = fine;
    odd.height = 127;
    check_failed(media_spec_check(&odd, &err), err, LT_ERR_USAGE, "even");
    odd.scale = 2; /* 254 rows */
    err = (lt_error){0};
    check_ok(media_spec_check(&odd, &err), err);
    odd.scale = 1;
    odd.format = MEDIA_MKV;
    check_ok(media_spec_check(&odd, &err), err);

    const media_spec bad[] = {
        {.format = MEDIA_MP4, .width = 0, .height = 128, .scale = 1, .fps = 8},
        {.format = MEDIA_MP4, .width = 192, .height = -2, .scale = 1, .fps = 8},
        {.format = MEDIA_MP4, .width = 192, .height = 128, .scale = 0, .fps = 8},
        {.format = MEDIA_MP4, .width = 192, .height = 128, .scale = 9, .fps = 8},
        {.format = MEDIA_MP4, .width = 16384, .height = 128, .scale = 2, .fps = 8},
        {.format = MEDIA_MP4, .width = 192, .height = 128, .scale = 1, .fps = 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (lt_error){0};
        assert_int_equal(media_spec_check(&bad[i], &err), LT_ERR_USAGE);
    }
}

/* What the rest of the program goes by. */
static void every_kind_is_in_the_table(void **state)
{
    (void)state;
    for (int a = 0; a < MEDIA_FORMATS; a++) {
        const media_kind *kind = media_kind_of((media_format)a);
        assert_non_null(kind->name);
        assert_false(kind->grows && !kind->streams); /* it is written in the same way */
        assert_false(kind->many_files && kind->streams);
        for (int b = 0; b < a; b++)
            assert_string_not_equal(kind->name, media_kind_of((media_format)b)->name);
    }
}

static void png_files_are_numbered(void **state)
{
    (void)state;
    const struct {
        const char *path;
        int64_t index;
        const char *want;
    } cases[] = {
        {"ball.png", 7, "ball-00007.png"},
        {"a.b/ball.png", 0, "a.b/ball-00000.png"},
        {"a.b/ball", 0, "a.b/ball-00000"},
        {"ball%03d.png", 7, "ball007.png"},
        {"ball%d.png", 12, "ball12.png"},
        {"a%d/ball.png", 3, "a%d/ball-00003.png"},
        {"100%.png", 3, "100%-00003.png"},
        {"%s%n%03d.png", 3, "%s%n003.png"},
        {"ball.png", 1234567, "ball-1234567.png"},
        {"b%010d.png", 7, "b0000000007.png"},
        {"b%12d.png", 7, "b000000000007.png"},
        {"b%0d.png", 7, "b7.png"},
        {"100%%done.png", 7, "100%done-00007.png"},
        {"100%done.png", 7, "1007one.png"},
        {"50%%%d.png", 7, "50%7.png"},
        {"%d of %d.png", 7, "7 of %d.png"},
        {"b%33d.png", 7, "b%33d-00007.png"},
        {"a%%b/c.png", 7, "a%%b/c-00007.png"},
        {"b%99999999999999d.png", 0, "b%99999999999999d-00000.png"},
        {"50%", 7, "50%-00007"},
        {"%%", 7, "%-00007"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = media_png_name(cases[i].path, cases[i].index);
        assert_string_equal(got, cases[i].want);
        char *pattern = media_png_pattern(cases[i].path);
        char again[128];
        snprintf(again, sizeof again, pattern, (int)cases[i].index); /* as printf has it */
        assert_string_equal(again, cases[i].want);
        free(got);
        free(pattern);
    }
    char *pattern = media_png_pattern("a.b/ball.png");
    assert_string_equal(pattern, "a.b/ball-%05d.png");
    free(pattern);
    pattern = media_png_pattern("100%.png");
    assert_string_equal(pattern, "100%%-%05d.png");
    free(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(every_kind_is_in_the_table),
        cmocka_unit_test(png_files_are_numbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
