/* test_latents_file.c - what is written is read again; sizes that no file
 * can have are refused by name. */
#include "pipeline/latents_file.h"

#include "tests/support/check.h"
#include "tests/support/scratch.h"

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const float latents[] = {1, -2, 0.5F, 4, 5, 6, 7, 8};
    float got[8] = {0};
    lt_error err = {0};
    take_latents_writer *w = NULL;
    take_latents_reader *r = NULL;
    lt_json *about = lt_json_new_object();
    const take_latents_shape shape = {.latents = 2, .channels = 1, .height = 2, .width = 2};
    check_ok(take_latents_create(scratch_path("two.latents"), shape, about, &w, &err), err);
    check_ok(take_latents_append(w, latents, 1, &err), err);
    check_ok(take_latents_append(w, latents + 4, 1, &err), err);
    check_ok(take_latents_finish(w, &err), err);
    lt_json_free(about);
    check_ok(take_latents_open(scratch_path("two.latents"), NULL, NULL, &r, &err), err);
    check_ok(take_latents_next(r, got, 2, &err), err);
    assert_memory_equal(got, latents, sizeof got);
    check_failed(take_latents_next(r, got, 1, &err), err, LT_ERR_INPUT,
                 "0 latents are left, expected 1 more");
    take_latents_close(r);
}

/* A file of this header, behind which nothing comes. */
static void write_header(const char *name, const char *shape, const char *values)
{
    char text[512];
    const int length =
        snprintf(text + 8, sizeof text - 8,
                 "{\"__metadata__\": {\"format\": \"longtake-latents-1\", \"about\": \"{}\"}, "
                 "\"latents\": {\"dtype\": \"F32\", \"shape\": [%s], \"data_offsets\": [0, %s]}}",
                 shape, values);
    const uint64_t bytes = (uint64_t)length;
    memcpy(text, &bytes, sizeof bytes);
    scratch_write(name, text, 8 + bytes);
}

static void sizes_no_file_can_have(void **state)
{
    (void)state;
    static const struct {
        const char *shape;
        const char *values; /* bytes of them */
        const char *part;
    } row[] = {{"2, 1, 2, 2", "32", "bytes, the header says"},
               {"2, 1, 2, 2", "31", "offsets 0 to 31, the shape needs 0 to 32"},
               {"2, 1, 0, 2", "0", "shape [2, 1, 0, 2] is out of range"},
               {"1073741824, 4096, 65536, 65536", "0",
                "shape [1073741824, 4096, 65536, 65536] is out of range"},
               /* 2^63 - 8 bytes, and the header before them */
               {"858323713, 2501, 59675, 18", "9223372036854775800",
                "shape [858323713, 2501, 59675, 18] is out of range"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        lt_error err = {0};
        take_latents_reader *r = NULL;
        write_header("sizes.latents", row[i].shape, row[i].values);
        check_failed(take_latents_open(scratch_path("sizes.latents"), NULL, NULL, &r, &err), err,
                     LT_ERR_INPUT, row[i].part);
        assert_null(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(sizes_no_file_can_have),
    };
    return cmocka_run_group_tests_name("latents files", tests, scratch_setup, scratch_teardown);
}
