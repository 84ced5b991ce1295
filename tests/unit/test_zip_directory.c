/* test_zip_directory.c - a good archive, and one that breaks one rule each. */
#include "weights/zip_directory.h"

#include "tests/support/check.h"
#include "tests/support/pt_writer.h"

static const pt_record records[] = {
    {"data.pkl", "pickle", 6}, {"data/0", "zero", 4}, {"data/10", "", 0}, {"version", "3\n", 2}};
enum { RECORDS = 4 };

static byte_list file;
static pt_places at;

static int make_file(void **state)
{
    (void)state;
    pt_archive(&file, records, RECORDS, &at);
    return 0;
}

static int drop_file(void **state)
{
    (void)state;
    bytes_close(&file);
    return 0;
}

static lt_status open_file(lt_zip_directory *zip, lt_error *err)
{
    const lt_file_map map = {.data = file.data, .bytes = file.bytes};
    *err = (lt_error){0};
    return lt_zip_open(zip, &map, "a.pt", err);
}

static void refuse(const char *because)
{
    lt_zip_directory zip;
    lt_error err;
    check_failed(open_file(&zip, &err), err, LT_ERR_INPUT, because);
    assert_null(zip.entry);
}

/* Refused with one field changed, accepted again when it is put back. */
static void refuse_with(size_t place, int width, uint64_t value, const char *because)
{
    uint8_t before[8];
    memcpy(before, file.data + place, (size_t)width);
    bytes_set(&file, place, width, value);
    refuse(because);
    memcpy(file.data + place, before, (size_t)width);
    lt_zip_directory zip;
    lt_error err;
    check_ok(open_file(&zip, &err), err);
    lt_zip_close(&zip);
}

static void finds_entries_where_they_lie(void **state)
{
    (void)state;
    lt_zip_directory zip;
    lt_error err;
    check_ok(open_file(&zip, &err), err);
    assert_int_equal(zip.count, RECORDS);
    for (int i = 0; i < RECORDS; i++) {
        const lt_zip_entry *const e = lt_zip_find(&zip, records[i].name);
        assert_non_null(e);
        assert_ptr_equal(e->data, file.data + at.data[i]);
        assert_int_equal(e->bytes, records[i].bytes);
        assert_int_equal(e->crc, lt_crc32(e->data, e->bytes));
    }
    assert_null(lt_zip_find(&zip, "data/1"));
    assert_null(lt_zip_find(&zip, "data"));
    lt_zip_close(&zip);
}

static void refuses_broken_ends(void **state)
{
    (void)state;
    refuse_with(at.end, 1, 'Q', "no end record");
    refuse_with(at.end + 20, 2, 1, "comment");
    refuse_with(at.end + 4, 2, 1, "disks");
    refuse_with(at.end + 8, 2, RECORDS + 1, "disks");
    refuse_with(at.end + 12, 4, 46, "disagree");
    refuse_with(at.end + 16, 4, 46, "disagree");
    refuse_with(at.locator + 8, 8, at.end64 - 1, "not in front of its locator");
    refuse_with(at.locator + 8, 8, UINT64_MAX, "not in front of its locator");
    refuse_with(at.locator + 16, 4, 2, "locator is damaged");
    refuse_with(at.locator, 1, 'Q', "does not end at its end record");
    refuse_with(at.end64, 1, 'Q', "not in front of its locator");
    refuse_with(at.end64 + 4, 8, 45, "not in front of its locator");
    refuse_with(at.end64 + 24, 8, 3, "disks");
    refuse_with(at.end64 + 40, 8, 1, "disagree");
}

static void refuses_counts_that_lie(void **state)
{
    (void)state;
    for (size_t place = at.end64 + 24; place <= at.end64 + 32; place += 8)
        bytes_set(&file, place, 8, RECORDS - 1);
    for (size_t place = at.end + 8; place <= at.end + 10; place += 2)
        bytes_set(&file, place, 2, RECORDS - 1);
    refuse("more entries than it says");
    for (size_t place = at.end64 + 24; place <= at.end64 + 32; place += 8)
        bytes_set(&file, place, 8, UINT64_MAX);
    for (size_t place = at.end + 8; place <= at.end + 10; place += 2)
        bytes_set(&file, place, 2, 0xffff);
    refuse("entries, 1 to 65536 are allowed");
}

static void refuses_entries_that_are_not_plain(void **state)
{
    (void)state;
    refuse_with(at.central[1] + 8, 2, 0x0809, "is encrypted");
    refuse_with(at.central[1] + 10, 2, 8, "is compressed");
    refuse_with(at.central[1] + 34, 2, 1, "another disk");
    refuse_with(at.central[1] + 20, 4, 3, "two sizes differ");
    refuse_with(at.central[1], 1, 'Q', "directory is damaged");
    refuse_with(at.central[3] + 28, 2, 400, "directory is damaged");
    refuse_with(at.central[1] + 30, 2, 3, "extra field is damaged");
    refuse_with(at.local[1], 1, 'Q', "no local header");
    refuse_with(at.local[1] + 30, 1, 'b', "another name in its local header");
    refuse_with(at.local[1] + 26, 2, 3, "another name in its local header");
    refuse_with(at.local[1] + 8, 2, 8, "compressed or encrypted in its local header");
    refuse_with(at.local[1] + 6, 2, 1, "compressed or encrypted in its local header");
    refuse_with(at.local[1] + 28, 2, 0xffff, "outside the file");
}

static void refuses_ranges_that_lie(void **state)
{
    (void)state;
    refuse_with(at.central[1] + 42, 4, 0xfffffff0, "no local header");
    refuse_with(at.central[1] + 42, 4, 0xffffffff, "extra field is damaged");
    refuse_with(at.central[1] + 42, 4, at.local[0], "another name");
    refuse_with(at.local[1] + 28, 2, 0, "belong to no entry");
    refuse_with(at.local[2] + 28, 2, 0, "belong to no entry");
}

static void refuses_names_that_lead_elsewhere(void **state)
{
    (void)state;
    static const char *const names[] = {
        "../../etc/passwd", "/etc/passwd", "a//b", "./a", "a/..", "a\\b", "", "\xff", "a\nb", "a/"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const pt_record bad[] = {{"data.pkl", "x", 1}, {names[i], "y", 1}};
        bytes_close(&file);
        pt_archive(&file, bad, 2, &at);
        refuse("no plain path");
    }
}

static void refuses_a_second_folder_and_a_second_name(void **state)
{
    (void)state;
    bytes_set(&file, at.central[1] + 46, 1, 'b');
    bytes_set(&file, at.local[1] + 30, 1, 'b');
    refuse("not in the same folder");
    const pt_record twice[] = {{"data/0", "x", 1}, {"data/0", "y", 1}};
    bytes_close(&file);
    pt_archive(&file, twice, 2, &at);
    refuse("occurs twice");
}

static void refuses_overlaps(void **state)
{
    (void)state;
    byte_list inner = {0};
    pt_places in;
    const pt_record hidden = {"data/0", "hidden", 6};
    pt_archive(&inner, &hidden, 1, &in);
    const pt_record outer[] = {{"data.pkl", inner.data, inner.bytes}, {"data/0", "seen", 4}};
    bytes_close(&file);
    pt_archive(&file, outer, 2, &at);
    /* into the first entry's data */
    bytes_set(&file, at.central[1] + 42, 4, at.data[0] + in.local[0]);
    bytes_set(&file, at.central[1] + 20, 4, 6);
    bytes_set(&file, at.central[1] + 24, 4, 6);
    refuse("overlaps");
    bytes_close(&inner);
}

static void refuses_other_bytes_around(void **state)
{
    (void)state;
    byte_list whole = {0};
    bytes_text(&whole, "prefix");
    bytes_put(&whole, file.data, file.bytes);
    byte_list kept = file;
    file = whole;
    refuse("not in front of its locator");
    file = kept;
    bytes_close(&whole);
    bytes_text(&file, "x");
    refuse("no end record");
}

/* Offsets and sizes above 4 GiB stand in a field of their own; torch writes
 * it even where they would fit. */
static void reads_wide_fields(void **state)
{
    (void)state;
    const size_t name_bytes = strlen("archive/version");
    byte_list wide = {0};
    bytes_put(&wide, file.data, at.central[3]);
    const size_t central = wide.bytes;
    bytes_put(&wide, file.data + at.central[3], 46 + name_bytes);
    for (size_t field = 20; field <= 24; field += 4)
        bytes_set(&wide, central + field, 4, 0xffffffff);
    bytes_set(&wide, central + 42, 4, 0xffffffff);
    bytes_set(&wide, central + 30, 2, 4 + 1 + 4 + 24);
    bytes_number(&wide, 2, 0x7777); /* a field that we do not know, in front */
    bytes_number(&wide, 2, 1);
    bytes_text(&wide, "?");
    bytes_number(&wide, 2, 1);
    bytes_number(&wide, 2, 24);
    bytes_number(&wide, 8, 2);
    bytes_number(&wide, 8, 2);
    bytes_number(&wide, 8, at.local[3]);
    const size_t end64 = wide.bytes;
    bytes_put(&wide, file.data + at.end64, file.bytes - at.end64);
    const uint64_t directory_bytes = end64 - at.central[0];
    bytes_set(&wide, end64 + 40, 8, directory_bytes);
    bytes_set(&wide, end64 + 56 + 8, 8, end64);
    bytes_set(&wide, end64 + 76 + 12, 4, 0xffffffff);
    bytes_close(&file);
    file = wide;
    lt_zip_directory zip;
    lt_error err;
    check_ok(open_file(&zip, &err), err);
    assert_ptr_equal(lt_zip_find(&zip, "version")->data, file.data + at.data[3]);
    lt_zip_close(&zip);
    refuse_with(end64 - 26, 2, 23, "extra field is damaged");
    refuse_with(end64 - 26, 2, 16, "extra field is damaged");
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    const size_t bytes = file.bytes;
    for (file.bytes = 0; file.bytes < bytes; file.bytes++) {
        lt_zip_directory zip;
        lt_error err;
        assert_int_equal(open_file(&zip, &err), LT_ERR_INPUT);
    }
}

static void knows_the_checksum(void **state)
{
    (void)state;
    /* the check value of CRC-32 */
    assert_int_equal(lt_crc32((const uint8_t *)"123456789", 9), 0xcbf43926);
    assert_int_equal(lt_crc32((const uint8_t *)"", 0), 0);
    static uint8_t long_data[5003];
    for (int i = 0; i < 5003; i++)
        long_data[i] = (uint8_t)(i * i >> 4);
    assert_int_equal(lt_crc32(long_data, 4095), 0x08945431); /* zlib's crc32 of the same bytes */
    assert_int_equal(lt_crc32(long_data, 5003), 0xa9199d82);
}

#define with_file(test) cmocka_unit_test_setup_teardown(test, make_file, drop_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_file(finds_entries_where_they_lie),
        with_file(refuses_broken_ends),
        with_file(refuses_counts_that_lie),
        with_file(refuses_entries_that_are_not_plain),
        with_file(refuses_ranges_that_lie),
        with_file(refuses_names_that_lead_elsewhere),
        with_file(refuses_a_second_folder_and_a_second_name),
        with_file(refuses_overlaps),
        with_file(refuses_other_bytes_around),
        with_file(reads_wide_fields),
        with_file(refuses_every_truncation),
        cmocka_unit_test(knows_the_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
