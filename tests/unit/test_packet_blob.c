/* test_packet_blob.c - there and back, and nothing but errors from a block that is cut off. */
#include "tests/support/check.h"

#include <stdlib.h>

#include "media/packet_blob.h"

static void *make(size_t *bytes)
{
    const media_blob_info info = {.format = MEDIA_MKV,
                                  .width = 6,
                                  .height = 4,
                                  .rate_num = 8,
                                  .rate_den = 1,
                                  .codec_header = (const uint8_t *)"head",
                                  .codec_header_bytes = 4};
    lt_error err = {0};
    media_blob_writer w;
    void *blob;
    media_blob_begin(&w, &info);
    media_blob_add(&w, (const uint8_t *)"first", 5, 0, true);
    media_blob_add(&w, (const uint8_t *)"", 0, 1, false);
    media_blob_add(&w, (const uint8_t *)"third", 5, 2, false);
    check_ok(media_blob_finish(&w, 3, &blob, bytes, &err), err);
    return blob;
}

static void packets_come_back(void **state)
{
    (void)state;
    size_t bytes;
    void *blob = make(&bytes);
    lt_error err = {0};
    media_blob_reader r;
    check_ok(media_blob_open(&r, blob, bytes, &err), err);
    assert_int_equal(r.info.format, MEDIA_MKV);
    assert_int_equal(r.info.pictures, 3);
    assert_memory_equal(r.info.codec_header, "head", 4);
    const char *const want[] = {"first", "", "third"};
    for (int i = 0; i < 3; i++) {
        media_blob_packet p;
        bool got;
        check_ok(media_blob_next(&r, &p, &got, &err), err);
        assert_true(got);
        assert_int_equal(p.picture, i);
        assert_int_equal(p.is_key, i == 0);
        assert_int_equal(p.bytes, strlen(want[i]));
        assert_memory_equal(p.data, want[i], p.bytes);
    }
    media_blob_packet p;
    bool got;
    check_ok(media_blob_next(&r, &p, &got, &err), err);
    assert_false(got);
    free(blob);
}

/* Reads all packets; the status of the first failure. */
static lt_status read_all(const void *blob, size_t bytes, int *packets)
{
    lt_error err = {0};
    media_blob_reader r;
    media_blob_packet p;
    bool got = true;
    *packets = -1;
    LT_TRY(media_blob_open(&r, blob, bytes, &err));
    while (got) {
        LT_TRY(media_blob_next(&r, &p, &got, &err));
        ++*packets;
    }
    return LT_OK;
}

static void a_block_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    size_t bytes;
    void *blob = make(&bytes);
    int whole = 0;
    for (size_t n = 0; n <= bytes; n++) {
        int packets;
        /* its own memory, so that a sanitizer sees a step too far */
        void *part = malloc(n ? n : 1);
        assert_non_null(part);
        memcpy(part, blob, n);
        if (read_all(part, n, &packets) == LT_OK)
            whole++;
        free(part);
    }
    assert_int_equal(whole, 4); /* before each packet, and the whole */
    free(blob);
}

static void lying_sizes_are_refused(void **state)
{
    (void)state;
    size_t bytes;
    unsigned char *blob = make(&bytes);
    int packets;
    for (size_t at = 0; at + 8 <= bytes; at += 4) {
        unsigned char kept[8];
        memcpy(kept, blob + at, 8);
        memset(blob + at, 0xff, 8);
        (void)read_all(blob, bytes, &packets); /* any answer, no step outside the block */
        memcpy(blob + at, kept, 8);
    }
    assert_int_equal(read_all(blob, bytes, &packets), LT_OK);
    assert_int_equal(packets, 3);
    free(blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_come_back),
        cmocka_unit_test(a_block_that_is_cut_off_is_refused),
        cmocka_unit_test(lying_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
