/* test_frame_reader.c - which picture is shown when, how it is fitted, and what is refused. */
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/frame_reader.h"
#include "tests/support/scratch.h"
#include "tests/support/skipped.h"
#include "tests/support/small_video.h"

static const media_spec exact = {
    .format = MEDIA_MKV, .width = 48, .height = 32, .scale = 1, .fps = 8};

static int open_scratch(void **state)
{
    (void)state;
    scratch_open();
    small_video_write(scratch_path("eight.mkv"), &exact, 20, NULL); /* 2.5 s at 8 fps */
    return 0;
}

/* Shades of the frames (lower right corner), -1 behind the last. */
static void read_shades(const char *name, media_read_options options, int *shades, int room)
{
    lt_error err = {0};
    media_reader *r;
    check_ok(media_reader_open(scratch_path(name), &options, &r, &err), err);
    const media_video_info *info = media_reader_info(r);
    const size_t bytes = 3 * (size_t)info->width * (size_t)info->height;
    uint8_t *rgb = malloc(bytes);
    assert_non_null(rgb);
    for (int i = 0; i < room; i++) {
        bool got;
        check_ok(media_read_frame(r, rgb, &got, &err), err);
        shades[i] = got ? rgb[bytes - 1] : -1;
        if (!got)
            break;
    }
    free(rgb);
    media_reader_close(r);
}

static void frame_k_shows_the_picture_of_its_time(void **state)
{
    (void)state;
    const struct {
        double fps;
        double from;
        int count;
        int first; /* pictures shown by the first frames */
        int second;
        int third;
    } cases[] = {
        {8, 0, 20, 0, 1, 2},    {4, 0, 10, 0, 2, 4},    {16, 0, 40, 0, 0, 1},
        {0, 0, 20, 0, 1, 2},    {6, 0, 15, 0, 1, 2},    {3, 0, 8, 0, 2, 5},
        {8, 0.5, 16, 4, 5, 6},  {8, 0.55, 16, 4, 5, 6}, {0.4, 0, 1, 0, -1, 0},
        {8, 2.4, 1, 19, -1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int shades[64];
        const media_read_options o = {.fps = cases[i].fps, .from_seconds = cases[i].from};
        read_shades("eight.mkv", o, shades, 64);
        int count = 0;
        while (shades[count] >= 0)
            count++;
        if (count != cases[i].count)
            fail_msg("%g fps from %g: %d frames, want %d", cases[i].fps, cases[i].from, count,
                     cases[i].count);
        assert_int_equal(shades[0], small_video_shade(cases[i].first));
        if (cases[i].second >= 0) {
            assert_int_equal(shades[1], small_video_shade(cases[i].second));
            assert_int_equal(shades[2], small_video_shade(cases[i].third));
        }
    }
}

/* Is asked to stop at the question that *left counts down to. */
static int stop_after(void *left)
{
    return --*(int *)left <= 0;
}

static void reading_stops_when_asked(void **state)
{
    (void)state;
    uint8_t rgb[3 * 48 * 32];
    int left = 1000;
    /* 250 frames of 20 pictures */
    media_read_options o = {.fps = 100, .stop = stop_after, .user = &left};
    lt_error err = {0};
    media_reader *r;
    bool got = true;
    check_ok(media_reader_open(scratch_path("eight.mkv"), &o, &r, &err), err);
    left = 30;
    lt_status s = LT_OK;
    int frames = 0;
    for (; s == LT_OK && got; frames += got)
        s = media_read_frame(r, rgb, &got, &err);
    check_failed(s, err, LT_ERR_CANCELLED, "eight.mkv: stopped as asked");
    check_within(frames, 1, 30);
    assert_int_equal(media_read_frame(r, rgb, &got, &err), LT_ERR_CANCELLED); /* and stays so */
    media_reader_close(r);

    /* On the way to where it begins. */
    left = 5;
    o.from_seconds = 2.4;
    err = (lt_error){0};
    check_failed(media_reader_open(scratch_path("eight.mkv"), &o, &r, &err), err, LT_ERR_CANCELLED,
                 "stopped as asked");
}

static void a_pipe_that_nobody_writes_to_is_not_waited_for_beyond_the_stop(void **state)
{
    (void)state;
    int left = 2;
    const media_read_options o = {.fps = 8, .stop = stop_after, .user = &left};
    lt_error err = {0};
    media_reader *r;
    assert_int_equal(mkfifo(scratch_path("silent.pipe"), 0666), 0);
    alarm(20); /* else waits for ever */
    check_failed(media_reader_open(scratch_path("silent.pipe"), &o, &r, &err), err,
                 LT_ERR_CANCELLED, "silent.pipe: stopped as asked");
    alarm(0);
    assert_int_equal(left, 0);
}

static void a_start_behind_the_end_is_refused(void **state)
{
    (void)state;
    lt_error err = {0};
    media_reader *r;
    const media_read_options o = {.fps = 8, .from_seconds = 2.5};
    check_failed(media_reader_open(scratch_path("eight.mkv"), &o, &r, &err), err, LT_ERR_USAGE,
                 "ends at 2.5");
}

static void pictures_are_fitted(void **state)
{
    (void)state;
    lt_error err = {0};
    media_reader *r;
    uint8_t rgb[3 * 32 * 64];
    bool got;
    const media_read_options pad = {.width = 32, .height = 64, .fit = MEDIA_PAD};
    check_ok(media_reader_open(scratch_path("eight.mkv"), &pad, &r, &err), err);
    check_ok(media_read_frame(r, rgb, &got, &err), err);
    media_reader_close(r);
    const uint8_t *above = rgb + 3 * (4 * 32 + 20);
    const uint8_t *inside = rgb + 3 * (38 * 32 + 24);
    assert_int_equal(above[0] + above[1] + above[2], 0);
    check_within(inside[2], small_video_shade(0) - 3, small_video_shade(0) + 3);

    /* shows columns 16 .. 31: nothing is red */
    const media_read_options cover = {.width = 32, .height = 64};
    check_ok(media_reader_open(scratch_path("eight.mkv"), &cover, &r, &err), err);
    check_ok(media_read_frame(r, rgb, &got, &err), err);
    media_reader_close(r);
    const uint8_t *left = rgb + 3 * (60 * 32 + 4);
    check_within(left[0], small_video_shade(0) - 3, small_video_shade(0) + 3);

    const media_read_options crop = {.width = 64, .height = 16, .fit = MEDIA_CROP};
    check_ok(media_reader_open(scratch_path("eight.mkv"), &crop, &r, &err), err);
    check_failed(media_read_frame(r, rgb, &got, &err), err, LT_ERR_INPUT, "48x32");
    media_reader_close(r);
}

static void one_pixel_is_a_video(void **state)
{
    (void)state;
    const media_spec tiny = {.format = MEDIA_MKV, .width = 1, .height = 1, .scale = 1, .fps = 8};
    small_video_write(scratch_path("tiny.mkv"), &tiny, 3, NULL);
    int shades[8];
    read_shades("tiny.mkv", (media_read_options){.width = 48, .height = 32, .fps = 8}, shades, 8);
    assert_int_equal(shades[3], -1);
    check_within(shades[0], small_video_shade(0) - 3, small_video_shade(0) + 3);
}

static void odd_sizes_are_read(void **state)
{
    (void)state;
    const media_spec odd = {.format = MEDIA_MKV, .width = 101, .height = 77, .scale = 1, .fps = 8};
    small_video_write(scratch_path("odd.mkv"), &odd, 2, NULL);
    int shades[8];
    read_shades("odd.mkv", (media_read_options){.width = 48, .height = 32, .fps = 8}, shades, 8);
    check_within(shades[1], small_video_shade(1) - 3, small_video_shade(1) + 3);
    assert_int_equal(shades[2], -1);
}

static void a_picture_is_one_frame(void **state)
{
    (void)state;
    media_spec png = exact;
    png.format = MEDIA_PNG;
    small_video_write(scratch_path("still.png"), &png, 1, NULL);
    static const double rates[] = {0, 8, 25, 30, 240};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        int shades[4];
        read_shades("still-00000.png", (media_read_options){.fps = rates[i]}, shades, 4);
        assert_int_equal(shades[0], small_video_shade(0));
        assert_int_equal(shades[1], -1);
    }
}

static lt_status open_and_read_all(const char *name, lt_error *err)
{
    media_reader *r;
    const media_read_options o = {.width = 48, .height = 32, .fps = 8};
    *err = (lt_error){0};
    LT_TRY(media_reader_open(scratch_path(name), &o, &r, err));
    uint8_t rgb[3 * 48 * 32];
    bool got = true;
    lt_status s = LT_OK;
    while (s == LT_OK && got)
        s = media_read_frame(r, rgb, &got, err);
    media_reader_close(r);
    return s;
}

static void what_is_no_video_is_refused(void **state)
{
    (void)state;
    lt_error err;
    scratch_write_text("empty.mp4", "");
    scratch_write_text("text.mp4", "hello, this is not a video at all\n");
    scratch_write_text("list.mp4", "ffconcat version 1.0\nfile eight.mkv\n");
    scratch_write_text("list.m3u8",
                       "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\neight.mkv\n#EXT-X-ENDLIST\n");
    const char *const names[] = {"empty.mp4", "text.mp4", "list.mp4", "list.m3u8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_failed(open_and_read_all(names[i], &err), err, LT_ERR_INPUT, "is no video");
    check_failed(open_and_read_all("not there.mp4", &err), err, LT_ERR_INPUT, "No such file");
    check_failed(open_and_read_all(".", &err), err, LT_ERR_INPUT, "folder");
}

/* Writes the first part of a file under another name. */
static void cut(const char *from, const char *to, double part)
{
    size_t bytes;
    char *data = scratch_read(from, &bytes);
    assert_non_null(data);
    scratch_write(to, data, (size_t)((double)bytes * part));
    free(data);
}

static void what_is_cut_off_is_refused(void **state)
{
    (void)state;
    lt_error err;
    media_spec mp4 = exact;
    mp4.format = MEDIA_MP4;
    small_video_write(scratch_path("whole.mp4"), &mp4, 20, NULL);
    check_ok(open_and_read_all("whole.mp4", &err), err);
    const double parts[] = {0.1, 0.5, 0.7, 0.9};
    for (int i = 0; i < 4; i++) {
        cut("whole.mp4", "cut.mp4", parts[i]);
        cut("eight.mkv", "cut.mkv", parts[i]);
        check_failed(open_and_read_all("cut.mp4", &err), err, LT_ERR_INPUT, "cut.mp4");
        check_failed(open_and_read_all("cut.mkv", &err), err, LT_ERR_INPUT, "cut.mkv");
    }
}

/* Any damage gives an answer, never a crash. */
static void damaged_files_end_well(void **state)
{
    (void)state;
    size_t bytes;
    char *data = scratch_read("eight.mkv", &bytes);
    assert_non_null(data);
    uint32_t place = 1;
    for (int i = 0; i < 40; i++) {
        lt_error err;
        place = place * 1664525 + 1013904223;
        const size_t at = place % bytes;
        const char kept = data[at];
        data[at] = (char)(kept ^ (1 << (i % 8)));
        scratch_write("damaged.mkv", data, bytes);
        const lt_status s = open_and_read_all("damaged.mkv", &err);
        assert_true(s == LT_OK || s == LT_ERR_INPUT);
        data[at] = kept;
    }
    free(data);
}

/* ---- what only the ffmpeg program can make ---- */

static void make(const char *name, const char *arguments)
{
    char command[2048];
    if (system("ffmpeg -version >/dev/null 2>&1") != 0)
        skip_part("the program ffmpeg is not here");
    snprintf(command, sizeof command, "cd '%s' && ffmpeg -v quiet -nostdin -y %s %s",
             scratch_path("."), arguments, name);
    if (system(command) != 0) {
        snprintf(command, sizeof command, "this ffmpeg cannot make %s", name);
        skip_part(command);
    }
}

/* The stored picture: left half red, right half blue, 64x32. */
#define RED_BLUE                                                                                   \
    "-f lavfi -i color=red:size=32x32:rate=10:duration=1 -f lavfi -i "                             \
    "color=blue:size=32x32:rate=10:duration=1 "                                                    \
    "-filter_complex hstack "

static void first_frame(const char *name, media_read_options o, uint8_t *rgb,
                        media_video_info *info)
{
    lt_error err = {0};
    media_reader *r;
    bool got;
    check_ok(media_reader_open(scratch_path(name), &o, &r, &err), err);
    *info = *media_reader_info(r);
    check_ok(media_read_frame(r, rgb, &got, &err), err);
    assert_true(got);
    media_reader_close(r);
}

static void a_lying_video_is_turned_upright(void **state)
{
    (void)state;
    make("lying.mp4", RED_BLUE "-c:v libx264 -pix_fmt yuv420p");
    /* FFmpeg 7 has not the second way any more, 5.1 not yet the first */
    const bool has_option = system("ffmpeg -h long 2>/dev/null | grep -q display_rotation") == 0;
    make("turned.mp4", has_option ? "-display_rotation 90 -i lying.mp4 -c copy"
                                  : "-i lying.mp4 -c copy -metadata:s:v rotate=90");
    uint8_t rgb[3 * 64 * 32];
    media_video_info info;
    first_frame("turned.mp4", (media_read_options){0}, rgb, &info);
    assert_int_equal(info.width, 32);
    assert_int_equal(info.height, 64);
    assert_int_equal(media_turn_degrees(info.turn), 270);
    assert_false(media_turn_mirrors(info.turn));
    const uint8_t *top = rgb + 3 * (8 * 32 + 16);
    const uint8_t *bottom = rgb + 3 * (56 * 32 + 16);
    assert_true(top[0] < 50 && top[2] > 200); /* the right side goes up, as players show it */
    assert_true(bottom[0] > 200 && bottom[2] < 50);
}

static void ten_bits_become_eight(void **state)
{
    (void)state;
    make("ten.mkv", RED_BLUE "-c:v ffv1 -pix_fmt yuv444p10le");
    uint8_t rgb[3 * 64 * 32];
    media_video_info info;
    first_frame("ten.mkv", (media_read_options){0}, rgb, &info);
    assert_int_equal(info.width, 64);
    assert_true(rgb[3 * 8] > 250 && rgb[3 * 8 + 2] < 5);
    assert_true(rgb[3 * 56] < 5 && rgb[3 * 56 + 2] > 250);
}

/* A few lines of text, then bytes. */
static void write_picture(const char *name, const char *header, const uint8_t *bytes, size_t count)
{
    uint8_t file[4096];
    const size_t length = strlen(header);
    assert_true(length + count <= sizeof file);
    memcpy(file, header, length);
    memcpy(file + length, bytes, count);
    scratch_write(name, file, length + count);
}

static void grey_keeps_its_levels(void **state)
{
    (void)state;
    static const uint8_t levels[] = {0, 5, 16, 128, 235, 250, 255};
    uint8_t grey[64 * 32];
    uint8_t rgb[3 * 32 * 16];
    media_video_info info;
    for (size_t i = 0; i < sizeof levels; i++) {
        memset(grey, levels[i], sizeof grey);
        write_picture("levels.pgm", "P5\n64 32\n255\n", grey, sizeof grey);
        first_frame("levels.pgm", (media_read_options){.width = 32, .height = 16}, rgb, &info);
        for (size_t k = 0; k < sizeof rgb; k++)
            check_within(rgb[k] + 1, levels[i], levels[i] + 2); /* one level off at most */
    }
}

/* 64 x 8 pixels, eight of them in a byte; the middle 16 columns are white. What is cut off at the
 * left is cut off. */
static void black_and_white_is_cut_where_it_should_be(void **state)
{
    (void)state;
    uint8_t bits[8 * 8];
    uint8_t rgb[3 * 32 * 8];
    media_video_info info;
    for (int i = 0; i < 64; i++)
        bits[i] = i % 8 == 3 || i % 8 == 4 ? 0 : 0xff; /* ones are black */
    write_picture("bar.pbm", "P4\n64 8\n", bits, sizeof bits);
    first_frame("bar.pbm", (media_read_options){.width = 32, .height = 8, .fit = MEDIA_COVER}, rgb,
                &info);
    for (int i = 0; i < 32 * 8; i++) {
        const int column = i % 32;
        assert_int_equal(rgb[3 * i], column >= 8 && column < 24 ? 255 : 0);
    }
}

static void wide_pixels_are_made_square(void **state)
{
    (void)state;
    make("wide.mkv", RED_BLUE "-aspect 4:1 -c:v ffv1");
    uint8_t rgb[3 * 128 * 32];
    media_video_info info;
    first_frame("wide.mkv", (media_read_options){0}, rgb, &info);
    assert_int_equal(info.width, 128);
    assert_int_equal(info.height, 32);
}

/* Pictures of a 10 fps video at 0 .. 0.4 s, then one at 0.9 s. */
static void uneven_rates_are_shown_in_time(void **state)
{
    (void)state;
    make("uneven.mkv",
         "-f lavfi -i \"color=black:size=64x32:rate=10:duration=1,geq=lum='16+20*N':cb=128:cr=128,"
         "select='lt(n,5)+eq(n,9)'\" -vsync vfr -c:v ffv1");
    int at_ten[16];
    read_shades("uneven.mkv", (media_read_options){.fps = 10}, at_ten, 16);
    assert_int_equal(at_ten[10], -1);
    assert_true(at_ten[1] > at_ten[0]);
    for (int k = 5; k < 9; k++)
        assert_int_equal(at_ten[k], at_ten[4]);
    assert_true(at_ten[9] > at_ten[4] + 60);
}

static void sound_alone_is_refused(void **state)
{
    (void)state;
    lt_error err;
    make("sound.m4a", "-f lavfi -i sine=duration=1");
    check_failed(open_and_read_all("sound.m4a", &err), err, LT_ERR_INPUT, "no video in it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_k_shows_the_picture_of_its_time),
        cmocka_unit_test(a_start_behind_the_end_is_refused),
        cmocka_unit_test(reading_stops_when_asked),
        cmocka_unit_test(a_pipe_that_nobody_writes_to_is_not_waited_for_beyond_the_stop),
        cmocka_unit_test(pictures_are_fitted),
        cmocka_unit_test(one_pixel_is_a_video),
        cmocka_unit_test(odd_sizes_are_read),
        cmocka_unit_test(a_picture_is_one_frame),
        cmocka_unit_test(what_is_no_video_is_refused),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(damaged_files_end_well),
        cmocka_unit_test(a_lying_video_is_turned_upright),
        cmocka_unit_test(ten_bits_become_eight),
        cmocka_unit_test(grey_keeps_its_levels),
        cmocka_unit_test(black_and_white_is_cut_where_it_should_be),
        cmocka_unit_test(wide_pixels_are_made_square),
        cmocka_unit_test(uneven_rates_are_shown_in_time),
        cmocka_unit_test(sound_alone_is_refused),
    };
    return test_exit(cmocka_run_group_tests(tests, open_scratch, scratch_teardown));
}
