/* test_video_file.c - windows into files: lengths, bytes, what is in them, what is left behind. */
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "media/frame_reader.h"
#include "media/picture_sequence.h"
#include "tests/support/scratch.h"
#include "tests/support/small_video.h"

static const media_spec mp4 = {
    .format = MEDIA_MP4, .width = 48, .height = 32, .scale = 1, .fps = 8};
static const char story[] = "{\"prompt\":\"a red ball, \\u00e4 \\\"quoted\\\"\",\"seed\":42}";

static media_spec of_format(media_format format)
{
    media_spec spec = mp4;
    spec.format = format;
    return spec;
}

static media_reader *reader_of(const char *name)
{
    lt_error err = {0};
    media_reader *r;
    const media_read_options as_it_is = {0};
    check_ok(media_reader_open(scratch_path(name), &as_it_is, &r, &err), err);
    return r;
}

static int count_frames(const char *name)
{
    lt_error err = {0};
    media_reader *r = reader_of(name);
    uint8_t *rgb =
        malloc(3 * (size_t)media_reader_info(r)->width * (size_t)media_reader_info(r)->height);
    int frames = -1;
    for (bool got = true; got; frames++)
        check_ok(media_read_frame(r, rgb, &got, &err), err);
    free(rgb);
    media_reader_close(r);
    return frames;
}

static bool contains(const char *data, size_t bytes, const char *text)
{
    return memmem(data, bytes, text, strlen(text)) != NULL;
}

static void thirty_seconds_are_thirty_seconds(void **state)
{
    (void)state;
    small_video_write(scratch_path("thirty.mp4"), &mp4, 240, story);
    media_reader *r = reader_of("thirty.mp4");
    const media_video_info *info = media_reader_info(r);
    assert_true(info->seconds == 30.0);
    assert_true(info->stored_fps == 8.0);
    assert_string_equal(info->codec, "h264");
    assert_string_equal(info->comment, story);
    media_reader_close(r);
    assert_int_equal(count_frames("thirty.mp4"), 240);
    assert_false(scratch_exists("thirty.mp4.part"));
}

/* 16 bits would not hold its length. */
static void a_long_story_is_kept(void **state)
{
    (void)state;
    enum { BYTES = 200000 };
    char *const long_story = malloc(BYTES + 1);
    assert_non_null(long_story);
    memset(long_story, 'x', BYTES);
    memcpy(long_story, "{ <&> \"\xc3\xa4", 9);
    long_story[BYTES - 1] = '}';
    long_story[BYTES] = 0;
    for (int i = 0; i < MEDIA_FORMATS; i++) {
        if (!media_kind_of((media_format)i)->grows)
            continue;
        const media_spec spec = of_format((media_format)i);
        small_video_write(scratch_path("long"), &spec, 5, long_story);
        media_reader *r = reader_of("long");
        assert_string_equal(media_reader_info(r)->comment, long_story);
        assert_false(media_reader_info(r)->written_again);
        media_reader_close(r);
    }
    free(long_story);
}

static void the_index_comes_first_and_no_versions_come_at_all(void **state)
{
    (void)state;
    static const struct {
        media_format format;
        const char *index; /* begins with these bytes */
        const char *pictures;
    } files[] = {{MEDIA_MP4, "moov", "mdat"},
                 {MEDIA_MOV, "moov", "mdat"},
                 {MEDIA_WEBM, "\x1c\x53\xbb\x6b", "\x1f\x43\xb6\x75"},
                 {MEDIA_MKV, NULL, NULL}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const media_spec spec = of_format(files[i].format);
        small_video_write(scratch_path("plain"), &spec, 12, NULL);
        size_t bytes;
        char *data = scratch_read("plain", &bytes);
        assert_false(contains(data, bytes, "x264"));
        assert_false(contains(data, bytes, "libvpx"));
        assert_false(contains(data, bytes, "Lavf5"));
        assert_false(contains(data, bytes, "Lavc"));
        if (files[i].index)
            assert_true((char *)memmem(data, bytes, files[i].index, 4) <
                        (char *)memmem(data, bytes, files[i].pictures, 4));
        free(data);
    }
}

static void the_same_windows_give_the_same_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < MEDIA_FORMATS; i++) {
        if (media_kind_of((media_format)i)->many_files)
            continue;
        const media_spec spec = of_format((media_format)i);
        small_video_write(scratch_path("one"), &spec, 12, story);
        small_video_write(scratch_path("another name"), &spec, 12, story);
        size_t one_bytes;
        size_t other_bytes;
        char *one = scratch_read("one", &one_bytes);
        char *other = scratch_read("another name", &other_bytes);
        assert_int_equal(one_bytes, other_bytes);
        assert_memory_equal(one, other, one_bytes);
        free(one);
        free(other);
    }
}

static void ffv1_and_png_keep_every_value(void **state)
{
    (void)state;
    const media_spec spec = of_format(MEDIA_MKV);
    const media_spec png = of_format(MEDIA_PNG);
    small_video_write(scratch_path("exact.mkv"), &spec, 7, story);
    small_video_write(scratch_path("exact.png"), &png, 7, NULL);
    assert_int_equal(count_frames("exact.mkv"), 7);
    const char *const names[] = {"exact.mkv", "exact-00000.png"};
    for (int i = 0; i < 2; i++) {
        uint8_t want[3 * 48 * 32];
        uint8_t got[3 * 48 * 32];
        lt_error err = {0};
        bool more;
        media_reader *r = reader_of(names[i]);
        check_ok(media_read_frame(r, got, &more, &err), err);
        small_video_frame(want, 48, 32, 0);
        assert_memory_equal(got, want, sizeof want);
        media_reader_close(r);
    }
    assert_true(scratch_exists("exact-00006.png"));
    assert_false(scratch_exists("exact-00007.png"));
    media_reader *r = reader_of("exact.mkv");
    assert_string_equal(media_reader_info(r)->comment, story);
    media_reader_close(r);
}

static void check_close(media_format format)
{
    const media_spec spec = of_format(format);
    small_video_write(scratch_path("close"), &spec, 3, NULL);
    lt_error err = {0};
    media_reader *r = reader_of("close");
    uint8_t got[3 * 48 * 32];
    for (int k = 0; k < 3; k++) {
        bool more;
        check_ok(media_read_frame(r, got, &more, &err), err);
        const uint8_t *inside = got + 3 * (28 * 48 + 40);
        const uint8_t *corner = got + 3 * (4 * 48 + 4);
        for (int c = 0; c < 3; c++)
            check_within(inside[c], small_video_shade(k) - 4, small_video_shade(k) + 4);
        check_within(corner[0], 222, 238);
        check_within(corner[1], 222, 238);
    }
    media_reader_close(r);
}

static void what_is_lossy_is_close(void **state)
{
    (void)state;
    check_close(MEDIA_MP4);
    check_close(MEDIA_WEBM);
}

static void rates_of_television_are_exact(void **state)
{
    (void)state;
    const struct {
        double asked;
        double got;
    } rates[] = {{23.976, 24000.0 / 1001}, {29.97, 30000.0 / 1001}, {25, 25}, {12.5, 12.5}};
    for (int i = 0; i < 4; i++) {
        media_spec spec = mp4;
        spec.fps = rates[i].asked;
        small_video_write(scratch_path("rate.mp4"), &spec, 5, NULL);
        media_reader *r = reader_of("rate.mp4");
        assert_true(fabs(media_reader_info(r)->stored_fps - rates[i].got) < 1e-9);
        media_reader_close(r);
    }
}

/* Full colours, whose values another matrix would change by 10 and more: of Y4M too, which has no
 * word for its own. */
static void colours_come_back(void **state)
{
    (void)state;
    const media_format formats[] = {MEDIA_MP4, MEDIA_MKV, MEDIA_Y4M};
    for (int i = 0; i < 3; i++) {
        const media_spec spec = of_format(formats[i]);
        small_video_write(scratch_path("coloured"), &spec, 1, NULL);
        lt_error err = {0};
        media_reader *r = reader_of("coloured");
        uint8_t want[3 * 48 * 32];
        uint8_t got[3 * 48 * 32];
        bool more;
        small_video_frame(want, 48, 32, 0);
        check_ok(media_read_frame(r, got, &more, &err), err);
        const int places[] = {3 * (20 * 48 + 6), 3 * (4 * 48 + 30), 3 * (4 * 48 + 6)};
        for (int k = 0; k < 9; k++) /* red, green, yellow */
            check_within(got[places[k / 3] + k % 3] + 256, want[places[k / 3] + k % 3] + 252,
                         want[places[k / 3] + k % 3] + 260);
        media_reader_close(r);
    }
}

static void scale_enlarges(void **state)
{
    (void)state;
    media_spec spec = mp4;
    spec.scale = 3;
    small_video_write(scratch_path("large.mp4"), &spec, 2, NULL);
    media_reader *r = reader_of("large.mp4");
    assert_int_equal(media_reader_info(r)->width, 144);
    assert_int_equal(media_reader_info(r)->height, 96);
    media_reader_close(r);
}

/* 29.97 pictures a second are not whole milliseconds; the length is, all the same. */
static void an_animation_tells_what_it_is(void **state)
{
    (void)state;
    lt_error err = {0};
    media_spec spec = of_format(MEDIA_WEBP);
    spec.fps = 29.97;
    small_video_write(scratch_path("a.webp"), &spec, 12, story);
    media_reader *r = reader_of("a.webp");
    const media_video_info *info = media_reader_info(r);
    uint8_t rgb[3 * 48 * 32];
    bool got = true;
    assert_true(info->told_only);
    assert_int_equal(info->width, 48);
    assert_int_equal(info->height, 32);
    assert_int_equal(info->frames, 12);
    assert_true(info->seconds == 0.4);
    assert_true(info->stored_fps == 30.0);
    assert_string_equal(info->codec, "webp");
    assert_string_equal(info->comment, story);
    check_failed(media_read_frame(r, rgb, &got, &err), err, LT_ERR_INPUT, "an animated WebP");
    assert_false(got);
    media_reader_close(r);

    size_t bytes;
    char *data = scratch_read("a.webp", &bytes);
    assert_memory_equal(data + 30, "ANIM\x06\0\0\0\xff\xff\xff\xff\0\0", 14); /* for ever */
    free(data);
    const int lengths[] = {1, 7, 8, 9, 17}; /* every eighth picture is whole */
    for (int i = 0; i < 5; i++) {
        spec.fps = 12.5;
        small_video_write(scratch_path("short.webp"), &spec, lengths[i], story);
        r = reader_of("short.webp");
        assert_int_equal(media_reader_info(r)->frames, lengths[i]);
        assert_true(media_reader_info(r)->seconds == 0.08 * lengths[i]);
        assert_string_equal(media_reader_info(r)->comment, story);
        media_reader_close(r);
    }
}

static void a_growing_file_plays_after_every_window(void **state)
{
    (void)state;
    for (int i = 0; i < MEDIA_FORMATS; i++) {
        if (!media_kind_of((media_format)i)->grows)
            continue;
        lt_error err = {0};
        const media_spec spec = of_format((media_format)i);
        const media_target target = {
            .kind = MEDIA_GROWING, .path = scratch_path("growing"), .comment = story};
        media_file *f;
        check_ok(media_file_open(&target, &f, &err), err);
        for (int window = 0; window < 3; window++) {
            size_t bytes;
            void *blob = small_video_window(&spec, 5 * window, 5, &bytes);
            check_ok(media_file_add(f, blob, bytes, &err), err);
            free(blob);
            assert_int_equal(count_frames("growing"), 5 * (window + 1));
        }
        check_ok(media_file_close(f, &err), err);
        assert_int_equal(count_frames("growing"), 15);
    }
}

/* A file of one window that grows at `name`; still open. */
static media_file *grown(const char *name, const media_spec *spec, const char *comment)
{
    lt_error err = {0};
    const media_target target = {
        .kind = MEDIA_GROWING, .path = scratch_path(name), .comment = comment};
    media_file *f;
    size_t bytes;
    void *blob = small_video_window(spec, 0, 5, &bytes);
    check_ok(media_file_open(&target, &f, &err), err);
    check_ok(media_file_add(f, blob, bytes, &err), err);
    free(blob);
    return f;
}

static void a_growing_file_takes_the_place_of_another_one(void **state)
{
    (void)state;
    for (int i = 0; i < MEDIA_FORMATS; i++) {
        if (!media_kind_of((media_format)i)->grows)
            continue;
        lt_error err = {0};
        const media_spec spec = of_format((media_format)i);
        (void)unlink(scratch_path("left"));
        assert_true(media_may_grow(scratch_path("left")));
        media_file_abandon(grown("left", &spec, story)); /* as of a killed run */
        assert_true(media_may_grow(scratch_path("left")));
        check_ok(media_file_close(grown("left", &spec, NULL), &err), err); /* of a stopped one */
        assert_true(media_may_grow(scratch_path("left")));
        media_file_discard(grown("left", &spec, NULL));
        assert_false(scratch_exists("left"));
        scratch_write_text("left", ""); /* killed before its first byte */
        assert_true(media_may_grow(scratch_path("left")));
    }
}

/* Videos that were finished, with whatever they tell, and links count as others' too. */
static void but_of_no_other_file(void **state)
{
    (void)state;
    lt_error err = {0};
    const media_target target = {.kind = MEDIA_GROWING, .path = scratch_path("taken")};
    for (int i = 0; i < MEDIA_FORMATS; i++) {
        if (!media_kind_of((media_format)i)->grows)
            continue;
        const media_spec spec = of_format((media_format)i);
        small_video_write(scratch_path("taken"), &spec, 5,
                          "{\"prompt\":\"a longtake \\\"growing\\\"\"}");
        assert_false(media_may_grow(scratch_path("taken")));
    }
    media_file_abandon(grown("grown", &mp4, NULL));
    (void)unlink(scratch_path("taken"));
    assert_int_equal(symlink("grown", scratch_path("taken")), 0);
    assert_false(media_may_grow(scratch_path("taken")));
    assert_false(media_may_grow(scratch_path(".")));
    (void)unlink(scratch_path("taken"));
    scratch_write_text("taken", "precious");
    media_file *f;
    size_t bytes;
    void *blob = small_video_window(&mp4, 0, 5, &bytes);
    check_ok(media_file_open(&target, &f, &err), err);
    check_failed(media_file_add(f, blob, bytes, &err), err, LT_ERR_USAGE, "a file of others");
    media_file_discard(f);
    free(blob);
    char *kept = scratch_read("taken", &bytes);
    assert_string_equal(kept, "precious");
    free(kept);
}

static void of_two_that_grow_under_one_name_the_later_stays(void **state)
{
    (void)state;
    lt_error err = {0};
    media_file *first = grown("both.mp4", &mp4, story);
    media_file *second = grown("both.mp4", &mp4, NULL);
    size_t bytes;
    void *blob = small_video_window(&mp4, 5, 5, &bytes);
    check_ok(media_file_add(first, blob, bytes, &err), err);
    media_file_discard(first);
    check_ok(media_file_add(second, blob, bytes, &err), err);
    free(blob);
    assert_int_equal(count_frames("both.mp4"), 10);
    media_file_discard(second);
    assert_false(scratch_exists("both.mp4"));
}

static void a_stream_is_what_a_growing_file_is(void **state)
{
    (void)state;
    lt_error err = {0};
    for (int i = 0; i < MEDIA_FORMATS; i++) {
        if (!media_kind_of((media_format)i)->streams)
            continue;
        const media_spec spec = of_format((media_format)i);
        FILE *file = fopen(scratch_path("stream"), "wb");
        assert_non_null(file);
        const media_target target = {.kind = MEDIA_STREAM, .fd = fileno(file)};
        media_file *f;
        size_t bytes;
        void *blob = small_video_window(&spec, 0, 5, &bytes);
        check_ok(media_file_open(&target, &f, &err), err);
        check_ok(media_file_add(f, blob, bytes, &err), err);
        check_ok(media_file_add(f, blob, bytes, &err), err);
        check_ok(media_file_close(f, &err), err);
        fclose(file);
        free(blob);
        assert_int_equal(count_frames("stream"), 10);
    }
}

static void others_are_no_streams(void **state)
{
    (void)state;
    for (int i = 0; i < MEDIA_FORMATS; i++) {
        if (media_kind_of((media_format)i)->streams)
            continue;
        lt_error err = {0};
        const media_spec spec = of_format((media_format)i);
        const media_target target = {.kind = MEDIA_STREAM, .fd = STDOUT_FILENO};
        media_file *f;
        size_t bytes;
        void *blob = small_video_window(&spec, 0, 2, &bytes);
        check_ok(media_file_open(&target, &f, &err), err);
        check_failed(media_file_add(f, blob, bytes, &err), err, LT_ERR_USAGE, "cannot be a stream");
        media_file_abandon(f);
        free(blob);
    }
}

/* A window of another kind of output replaces its preview. */
static void windows_of_h264_become_an_mp4(void **state)
{
    (void)state;
    for (int i = 0; i < MEDIA_FORMATS; i++) {
        lt_error err = {0};
        const media_spec spec = of_format((media_format)i);
        const media_target target = {
            .kind = MEDIA_FINISHED, .path = scratch_path("preview.mp4"), .as_mp4 = true};
        media_file *f;
        size_t bytes;
        void *blob = small_video_window(&spec, 0, 2, &bytes);
        check_ok(media_file_open(&target, &f, &err), err);
        if (!media_kind_of((media_format)i)->fits_mp4) {
            check_failed(media_file_add(f, blob, bytes, &err), err, LT_ERR_USAGE, "make no MP4");
            media_file_abandon(f);
        } else {
            check_ok(media_file_add(f, blob, bytes, &err), err);
            check_ok(media_file_close(f, &err), err);
            char *got = scratch_read("preview.mp4", &bytes);
            assert_true(contains(got, 32, "isom"));
            free(got);
        }
        free(blob);
    }
}

static void a_file_that_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    lt_error err = {0};
    scratch_write_text("kept/film.mp4", "what was there before");
    const media_target target = {.kind = MEDIA_FINISHED, .path = scratch_path("kept/film.mp4")};
    media_file *f;
    size_t bytes;
    void *blob = small_video_window(&mp4, 0, 5, &bytes);
    check_ok(media_file_open(&target, &f, &err), err);
    check_ok(media_file_add(f, blob, bytes, &err), err);
    assert_int_equal(scratch_count("kept"), 2);
    media_file_abandon(f);
    assert_int_equal(scratch_count("kept"), 1);
    char *kept = scratch_read("kept/film.mp4", &bytes);
    assert_string_equal(kept, "what was there before");
    free(kept);
    free(blob);
}

static void windows_must_match(void **state)
{
    (void)state;
    lt_error err = {0};
    media_spec wider = mp4;
    wider.width = 64;
    const media_target target = {.kind = MEDIA_FINISHED, .path = scratch_path("mixed.mp4")};
    media_file *f;
    size_t bytes;
    size_t wider_bytes;
    void *blob = small_video_window(&mp4, 0, 2, &bytes);
    void *wider_blob = small_video_window(&wider, 0, 2, &wider_bytes);
    check_ok(media_file_open(&target, &f, &err), err);
    check_ok(media_file_add(f, blob, bytes, &err), err);
    check_failed(media_file_add(f, wider_blob, wider_bytes, &err), err, LT_ERR_INPUT, "64x32");
    err = (lt_error){0};
    check_failed(media_file_add(f, "rubbish", 7, &err), err, LT_ERR_INPUT, "7 bytes");
    media_file_abandon(f);
    free(blob);
    free(wider_blob);
}

/* Bands that move to the left, and noise; free() it. */
static uint8_t *noisy_frames(int width, int height, int count)
{
    uint8_t *frames = malloc((size_t)width * (size_t)height * 3 * (size_t)count);
    uint32_t noise = 1;
    size_t at = 0;
    for (int k = 0; k < count; k++)
        for (int i = 0; i < width * height * 3; i++) {
            const int x = i / 3 % width;
            noise = noise * 1664525 + 1013904223;
            frames[at++] = (uint8_t)(128 + 60 * ((x + 2 * k) / 7 % 2) + (int)(noise >> 28));
        }
    return frames;
}

/* Without the restriction of window_encoder.c's `has_avx512` 16 of 800 were others on a Skylake-SP,
 * the first after three. */
static void check_same_bytes(media_format format, int times)
{
    enum { WIDTH = 32, HEIGHT = 16, FRAMES = 20 };
    media_spec spec = of_format(format);
    spec.width = WIDTH;
    spec.height = HEIGHT;
    spec.fps = 8;
    lt_error err = {0};
    void *first = NULL;
    size_t first_bytes = 0;
    uint8_t *frames = noisy_frames(WIDTH, HEIGHT, FRAMES);
    for (int time = 0; time < times; time++) {
        media_encoder *e;
        void *blob;
        size_t bytes;
        check_ok(media_encoder_open(&spec, &e, &err), err);
        for (int k = 0; k < FRAMES; k++)
            check_ok(media_encoder_add(e, frames + (ptrdiff_t)k * WIDTH * HEIGHT * 3, &err), err);
        check_ok(media_encoder_finish(e, &blob, &bytes, &err), err);
        if (time == 0) {
            first = blob;
            first_bytes = bytes;
            continue;
        }
        assert_int_equal(bytes, first_bytes);
        assert_memory_equal(blob, first, bytes);
        free(blob);
    }
    free(first);
    free(frames);
}

static void the_same_pictures_always_give_the_same_bytes(void **state)
{
    (void)state;
    check_same_bytes(MEDIA_MP4, 300);
    check_same_bytes(MEDIA_WEBM, 60);
}

static void failures_say_why(void **state)
{
    (void)state;
    lt_error err = {0};
    media_file *f;
    media_encoder *e;
    size_t bytes;
    void *nothing;
    check_ok(media_encoder_open(&mp4, &e, &err), err);
    check_failed(media_encoder_finish(e, &nothing, &bytes, &err), err, LT_ERR_USAGE,
                 "without frames");

    err = (lt_error){0};
    const media_target empty = {.kind = MEDIA_FINISHED, .path = scratch_path("empty.mp4")};
    check_ok(media_file_open(&empty, &f, &err), err);
    check_failed(media_file_close(f, &err), err, LT_ERR_USAGE, "without windows");

    err = (lt_error){0};
    void *blob = small_video_window(&mp4, 0, 2, &bytes);
    const media_target nowhere = {.kind = MEDIA_FINISHED,
                                  .path = scratch_path("no/such/folder.mp4")};
    check_ok(media_file_open(&nowhere, &f, &err), err);
    check_failed(media_file_add(f, blob, bytes, &err), err, LT_ERR_INPUT, "No such file");
    media_file_abandon(f);

    err = (lt_error){0};
    const media_target full = {.kind = MEDIA_FINISHED, .path = "/dev/full"};
    if (access("/dev/full", W_OK) == 0) {
        check_ok(media_file_open(&full, &f, &err), err);
        check_failed(media_file_add(f, blob, bytes, &err), err, LT_ERR_RESOURCES, "No space");
        media_file_abandon(f);
    }
    free(blob);
}

/* Opens a PNG sequence in the scratch folder and adds a window of seven pictures, `times` over. */
static media_file *begin_pictures(const char *name, int times)
{
    const media_spec spec = of_format(MEDIA_PNG);
    const media_target target = {.kind = MEDIA_FINISHED, .path = scratch_path(name)};
    lt_error err = {0};
    media_file *f;
    size_t bytes;
    void *blob = small_video_window(&spec, 0, 7, &bytes);
    check_ok(media_file_open(&target, &f, &err), err);
    for (int i = 0; i < times; i++)
        check_ok(media_file_add(f, blob, bytes, &err), err);
    free(blob);
    return f;
}

static void pictures_get_their_names_when_all_are_there(void **state)
{
    (void)state;
    lt_error err = {0};
    scratch_write_text("seq/all-00013.png", "an earlier take's");
    scratch_write_text("seq/all-00014.png", "an earlier, longer take's");
    media_file *f = begin_pictures("seq/all.png", 2);
    assert_int_equal(scratch_count("seq"), 3); /* those, and the folder where pictures wait */
    assert_false(scratch_exists("seq/all-00000.png"));
    media_file_abandon(f);
    assert_int_equal(scratch_count("seq"), 2);
    f = begin_pictures("seq/all.png", 2);
    check_ok(media_file_close(f, &err), err);
    assert_int_equal(scratch_count("seq"), 15);
    size_t bytes;
    char *text = scratch_read("seq/all-00013.png", &bytes);
    assert_memory_equal(text, "\x89PNG", 4);
    free(text);
    text = scratch_read("seq/all-00014.png", &bytes);
    assert_string_equal(text, "an earlier, longer take's");
    free(text);
}

static void pictures_that_cannot_be_renamed_are_an_error(void **state)
{
    (void)state;
    lt_error err = {0};
    scratch_write_text("blocked/all-00003.png/inside", "a folder in the way");
    media_file *f = begin_pictures("blocked/all.png", 1);
    check_failed(media_file_close(f, &err), err, LT_ERR_INPUT, "blocked/all-00003.png");
    /* three pictures before it, and nothing that waits */
    assert_int_equal(scratch_count("blocked"), 4);
}

static void a_sequence_whose_folder_cannot_be_held_leaves_nothing(void **state)
{
    (void)state;
    struct rlimit all;
    media_sequence s;
    lt_error err = {0};
    scratch_write_text("full/other.png", "somebody's own");
    const char *const path = scratch_path("full/all.png");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = all.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const lt_status status = media_sequence_open(&s, path, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
    check_failed(status, err, LT_ERR_RESOURCES, "Too many open files");
    assert_null(s.folder);
    assert_int_equal(scratch_count("full"), 1);
    media_sequence_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: in memory that is still new it finds most */
        cmocka_unit_test(the_same_pictures_always_give_the_same_bytes),
        cmocka_unit_test(thirty_seconds_are_thirty_seconds),
        cmocka_unit_test(a_long_story_is_kept),
        cmocka_unit_test(the_index_comes_first_and_no_versions_come_at_all),
        cmocka_unit_test(the_same_windows_give_the_same_bytes),
        cmocka_unit_test(ffv1_and_png_keep_every_value),
        cmocka_unit_test(pictures_get_their_names_when_all_are_there),
        cmocka_unit_test(pictures_that_cannot_be_renamed_are_an_error),
        cmocka_unit_test(a_sequence_whose_folder_cannot_be_held_leaves_nothing),
        cmocka_unit_test(what_is_lossy_is_close),
        cmocka_unit_test(rates_of_television_are_exact),
        cmocka_unit_test(colours_come_back),
        cmocka_unit_test(scale_enlarges),
        cmocka_unit_test(an_animation_tells_what_it_is),
        cmocka_unit_test(a_growing_file_plays_after_every_window),
        cmocka_unit_test(a_growing_file_takes_the_place_of_another_one),
        cmocka_unit_test(but_of_no_other_file),
        cmocka_unit_test(of_two_that_grow_under_one_name_the_later_stays),
        cmocka_unit_test(a_stream_is_what_a_growing_file_is),
        cmocka_unit_test(others_are_no_streams),
        cmocka_unit_test(windows_of_h264_become_an_mp4),
        cmocka_unit_test(a_file_that_is_given_up_leaves_nothing),
        cmocka_unit_test(windows_must_match),
        cmocka_unit_test(failures_say_why),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
