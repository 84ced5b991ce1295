/* test_frame_fit.c - where pictures go: literal tables. */
#include "tests/support/check.h"

#include "media/frame_fit.h"

typedef struct {
    const char *story;
    int w;
    int h;
    double aspect;
    int width;
    int height;
    media_fit fit;
    media_placement want; /* cut left, top, width, height; scaled width, height; left, top */
} fit_case;

static const fit_case cases[] = {
    {"same shape", 384, 256, 1, 192, 128, MEDIA_COVER, {0, 0, 384, 256, 192, 128, 0, 0}},
    {"too wide: left and right are cut",
     640,
     256,
     1,
     192,
     128,
     MEDIA_COVER,
     {128, 0, 384, 256, 192, 128, 0, 0}},
    {"too high: top and bottom are cut",
     384,
     512,
     1,
     192,
     128,
     MEDIA_COVER,
     {0, 128, 384, 256, 192, 128, 0, 0}},
    {"wide pixels count double",
     192,
     256,
     2,
     192,
     128,
     MEDIA_COVER,
     {0, 0, 192, 256, 192, 128, 0, 0}},
    {"one pixel", 1, 1, 1, 192, 128, MEDIA_COVER, {0, 0, 1, 1, 192, 128, 0, 0}},
    {"a line", 4000, 1, 1, 192, 128, MEDIA_COVER, {1999, 0, 2, 1, 192, 128, 0, 0}},
    {"odd sizes", 101, 77, 1, 192, 128, MEDIA_COVER, {0, 5, 101, 67, 192, 128, 0, 0}},
    {"too wide: black above and below",
     640,
     256,
     1,
     192,
     128,
     MEDIA_PAD,
     {0, 0, 640, 256, 192, 77, 0, 25}},
    {"too high: black left and right",
     256,
     512,
     1,
     192,
     128,
     MEDIA_PAD,
     {0, 0, 256, 512, 64, 128, 64, 0}},
    {"small pictures grow", 96, 64, 1, 192, 128, MEDIA_PAD, {0, 0, 96, 64, 192, 128, 0, 0}},
    {"the middle, as it is",
     400,
     300,
     1,
     192,
     128,
     MEDIA_CROP,
     {104, 86, 192, 128, 192, 128, 0, 0}},
    {"all of it, out of shape",
     400,
     300,
     1,
     192,
     128,
     MEDIA_STRETCH,
     {0, 0, 400, 300, 192, 128, 0, 0}},
};

static void pictures_go_where_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fit_case *c = &cases[i];
        lt_error err = {0};
        media_placement got;
        check_ok(media_place(c->w, c->h, c->aspect, c->width, c->height, c->fit, &got, &err), err);
        if (memcmp(&got, &c->want, sizeof got) != 0)
            fail_msg("%s: cut %d,%d %dx%d, scaled to %dx%d at %d,%d", c->story, got.cut_left,
                     got.cut_top, got.cut_width, got.cut_height, got.width, got.height, got.left,
                     got.top);
    }
}

static void cropping_needs_enough_pixels(void **state)
{
    (void)state;
    lt_error err = {0};
    media_placement got;
    check_failed(media_place(191, 300, 1, 192, 128, MEDIA_CROP, &got, &err), err, LT_ERR_INPUT,
                 "191x300");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_go_where_the_table_says),
        cmocka_unit_test(cropping_needs_enough_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
