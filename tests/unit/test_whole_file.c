/* test_whole_file.c - whole files at the edges of the piece sizes and of the limit. */
#include "tests/support/check.h"

#include "kernels/core/whole_file.h"

#include <stdlib.h>

enum { MOST = 200000 };

/* A file of n bytes, of which byte i is i mod 251. */
static FILE *file_of(size_t n)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        assert_int_not_equal(fputc((int)(i % 251), f), EOF);
    rewind(f);
    return f;
}

static void all_bytes_come_and_a_zero_behind_them(void **state)
{
    (void)state;
    const size_t sizes[] = {
        0, 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, (1 << 16) + 2, 1 << 17, (1 << 17) + 1, MOST};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        FILE *f = file_of(sizes[k]);
        char *data;
        size_t bytes;
        lt_error err = {0};
        assert_int_equal(lt_whole_stream_read(f, "numbers", MOST, "numbers", &data, &bytes, &err),
                         LT_OK);
        assert_int_equal(bytes, sizes[k]);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal((unsigned char)data[i], i % 251);
        assert_int_equal(data[bytes], 0);
        free(data);
        fclose(f);
    }
}

static void too_much_is_refused_by_name(void **state)
{
    (void)state;
    FILE *f = file_of(MOST + 1);
    char *data;
    size_t bytes;
    lt_error err = {0};
    check_failed(lt_whole_stream_read(f, "numbers", MOST, "a list", &data, &bytes, &err), err,
                 LT_ERR_INPUT, "numbers: found more than 195 KiB, expected a list");
    assert_null(data);
    fclose(f);
    err = (lt_error){0};
    check_failed(lt_whole_file_read("/dev/zero", MOST, "a list", &data, &bytes, &err), err,
                 LT_ERR_INPUT, "expected a list");
}

static void what_cannot_be_read_says_why(void **state)
{
    (void)state;
    char *data;
    size_t bytes;
    lt_error err = {0};
    check_failed(lt_whole_file_read("no such file", MOST, "a list", &data, &bytes, &err), err,
                 LT_ERR_INPUT, "no such file: No such file");
    err = (lt_error){0};
    check_failed(lt_whole_file_read("/", MOST, "a list", &data, &bytes, &err), err, LT_ERR_INPUT,
                 "Is a directory");
    assert_null(data);
}

static void a_name_is_meant_from_the_folder_of_its_file(void **state)
{
    (void)state;
    static const struct {
        const char *place;
        const char *name;
        const char *path;
    } meant[] = {{"films/a.yaml", "plan.npy", "films/plan.npy"},
                 {"films/a.yaml", "../plan.npy", "films/../plan.npy"},
                 {"a.yaml", "plan.npy", "plan.npy"},
                 {"/a.yaml", "plan.npy", "/plan.npy"},
                 {"films/a.yaml", "/plan.npy", "/plan.npy"}};
    for (size_t k = 0; k < sizeof meant / sizeof *meant; k++) {
        char *path;
        lt_error err = {0};
        assert_int_equal(lt_path_beside(meant[k].place, meant[k].name, &path, &err), LT_OK);
        assert_string_equal(path, meant[k].path);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_meant_from_the_folder_of_its_file),
        cmocka_unit_test(all_bytes_come_and_a_zero_behind_them),
        cmocka_unit_test(too_much_is_refused_by_name),
        cmocka_unit_test(what_cannot_be_read_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
